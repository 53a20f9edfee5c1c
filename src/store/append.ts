import type { Database, Statement } from 'better-sqlite3';
import type {
  ApprovalAnswer,
  Asking,
  Decision,
  Endpoint,
  Handoff,
  Hop,
  Id,
  Identity,
  Login,
  Micros,
  Notice,
  Owner,
  Process,
  Recording,
} from '../core/types.ts';
import { Decided } from './decided.ts';
import { Transactor } from './transaction.ts';

/** What was learnt about a login after its start; what is absent or null changes nothing. */
export interface LoginFacts extends Partial<Pick<Login, 'user' | 'uid' | 'client' | 'tty' | 'link'>> {
  readonly at: Micros;
  readonly identity?: Identity | null;
}

/** One thing done in a hop, as it begins. */
export interface NewAction {
  readonly hop: Id;
  /** 1, 2, … within the hop. */
  readonly seq: number;
  readonly kind: string;
  readonly at: Micros;
  readonly subject: string;
  /** What the protocol knows of it, as the text of a JSON object. */
  readonly detail: string;
  readonly decision: Decision;
}

export type NewRecording = Pick<Recording, 'id' | 'kind' | 'file' | 'started'> & Owner;

/** An action is held, and a person asked. */
export interface NewApproval {
  readonly id: number;
  readonly hop: Id;
  /** The action's number within the hop. */
  readonly action: number;
  readonly at: Micros;
  readonly expires: Micros;
  /** As policies call who asks. */
  readonly requester: string;
  readonly user: string | null;
  readonly asks: readonly Asking[];
  readonly reason: string;
}

const INSERTS = {
  login: `INSERT OR IGNORE INTO logins (id, boot, host, kind, source, user, uid, identity, identity_name, client_address,
    client_port, tty, started, recovered, parent_hop, link) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  facts: `WITH new (login, at, user, uid, identity, identity_name, client_address, client_port, tty, parent_hop,
    link) AS (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?))
    INSERT INTO login_identities (login, at, user, uid, identity, identity_name, client_address, client_port, tty,
    parent_hop, link) SELECT * FROM new WHERE NOT EXISTS (SELECT 1 FROM login_identities i WHERE
    i.seq = (SELECT max(seq) FROM login_identities WHERE login = new.login) AND i.user IS new.user
    AND i.uid IS new.uid AND i.identity IS new.identity AND i.client_address IS new.client_address
    AND i.client_port IS new.client_port AND i.tty IS new.tty AND i.parent_hop IS new.parent_hop
    AND i.link IS new.link)`,
  loginEnd: 'INSERT OR IGNORE INTO login_ends (login, lingering, at) VALUES (?, ?, ?)',
  revocation: 'INSERT OR IGNORE INTO login_revocations (login, at, "by", reason) VALUES (?, ?, ?, ?)',
  process: `INSERT OR IGNORE INTO processes (id, login, parent, pid, ppid, start_ns, image, exe, exe_verified, argv,
    argv_bytes, uid, started, recovered) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  exit: 'INSERT OR IGNORE INTO process_exits (process, at, exit_code, signal) VALUES (?, ?, ?, ?)',
  hop: `INSERT OR IGNORE INTO hops (id, login, process, chain, target, name, transport, protocol, address, port, started,
    mode, source_address, source_port) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  hopEnd: 'INSERT OR IGNORE INTO hop_ends (hop, at, bytes_up, bytes_down, reason) VALUES (?, ?, ?, ?, ?)',
  hopDial: 'INSERT OR IGNORE INTO hop_dials (hop, address, port) VALUES (?, ?, ?)',
  hopChild: 'INSERT OR IGNORE INTO hop_children (hop, host, login, at) VALUES (?, ?, ?, ?)',
  decision: `INSERT OR IGNORE INTO decisions (hop, action, at, outcome, policies, reason, observed, errors, version)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  action: `INSERT OR IGNORE INTO actions (hop, seq, kind, at, subject, detail, decision)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  actionEnd: 'INSERT OR IGNORE INTO action_ends (hop, seq, at, detail) VALUES (?, ?, ?, ?)',
  recording:
    'INSERT OR IGNORE INTO recordings (id, hop, login, kind, file, started) VALUES (?, ?, ?, ?, ?, ?)',
  recordingEnd: `INSERT OR IGNORE INTO recording_ends (recording, at, bytes, sha256, reason) VALUES (?, ?, ?, ?, ?)`,
  recordingRemoval: 'INSERT OR IGNORE INTO recording_removals (recording, at, reason) VALUES (?, ?, ?)',
  approval: `INSERT OR IGNORE INTO approvals (id, hop, action, at, expires, requester, user, asks, reason)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  approvalAnswer: `INSERT OR IGNORE INTO approval_answers (approval, at, outcome, "by", login, uid, reason)
    VALUES (?, ?, ?, ?, ?, ?, ?)`,
  handoff: `WITH new (kind, login, process, to_login, to_pid, via, at) AS (VALUES (?, ?, ?, ?, ?, ?, ?))
    INSERT INTO handoffs (kind, login, process, to_login, to_pid, via, at) SELECT * FROM new WHERE NOT EXISTS
    (SELECT 1 FROM handoffs h WHERE h.at = new.at AND h.to_pid = new.to_pid AND h.kind = new.kind AND h.via = new.via
    AND h.process IS new.process)`,
  notice: 'INSERT INTO notices (at, kind, login, count, detail) VALUES (?, ?, ?, ?, ?)',
  meta: 'INSERT INTO meta (at, key, value) VALUES (?, ?, ?)',
} as const;

type Inserts = { readonly [K in keyof typeof INSERTS]: Statement };

/**
 * The only writer. Each insert can be repeated without effect, because the kernel's events may be read again after a
 * crash; the boolean says whether a row was new. Throws StoreFullError when the disk does not take it, and StoreError
 * `orphan` for the end, facts, decision or action of something that was never recorded.
 */
export class Writer {
  readonly #boot: string;
  readonly #transactor: Transactor;
  readonly #insert: Inserts;
  readonly #stored: Statement<unknown[], number>;
  readonly #handoff: Statement<unknown[], number>;
  readonly #decisionRow: Statement<unknown[], number>;
  readonly #decided = new Decided();

  constructor(db: Database, boot: string) {
    this.#boot = boot;
    this.#transactor = new Transactor(db);
    this.#insert = Object.fromEntries(
      Object.entries(INSERTS).map(([name, text]) => [name, db.prepare(text)]),
    ) as Inserts;
    this.#stored = db
      .prepare<unknown[], number>(
        'SELECT id FROM processes WHERE login = ? AND pid = ? AND start_ns = ? AND image = ?',
      )
      .pluck();
    this.#decisionRow = db
      .prepare<unknown[], number>('SELECT seq FROM decisions WHERE hop = ? AND action = ? AND at = ?')
      .pluck();
    this.#handoff = db
      .prepare<unknown[], number>(
        'SELECT id FROM handoffs WHERE at = ? AND to_pid = ? AND kind = ? AND via = ? AND process IS ?',
      )
      .pluck();
  }

  /** One transaction for everything that `fn` inserts; nests. `fn` must not wait for anything. */
  batch<T>(fn: () => T): T {
    try {
      return this.#transactor.batch(fn);
    } catch (error) {
      // Some of them may have been undone.
      this.#decided.clear();
      throw error;
    }
  }

  /** A login as it is known at its start; when it is already over or revoked, those rows too. */
  insertLogin(login: Login): boolean {
    return this.batch(() => {
      const added = this.#run('login', [
        ...[login.id, this.#boot, login.host, login.kind, login.source, login.user, login.uid],
        ...[json(login.identity), login.identity?.name ?? null],
        ...[login.client?.address ?? null, login.client?.port ?? null],
        ...[login.tty, login.started, flag(login.recovered), login.parentHop, json(login.link)],
      ]);
      if (login.ended !== null) {
        this.insertLoginEnd(login.id, { at: login.ended, lingering: login.lingering });
      }
      if (login.revoked !== null) {
        this.insertRevocation(login.id, {
          at: login.revoked,
          by: 'recovered',
          reason: 'recovered as revoked',
        });
      }
      return added;
    });
  }

  /** Later knowledge of a login. The same facts as the last time are not recorded again. */
  insertIdentity(login: Id, facts: LoginFacts): boolean {
    return this.#run('facts', [
      ...[login, facts.at, facts.user ?? null, facts.uid ?? null],
      ...[json(facts.identity), facts.identity?.name ?? null],
      ...[
        facts.client?.address ?? null,
        facts.client?.port ?? null,
        facts.tty ?? null,
        facts.link?.hop ?? null,
        json(facts.link),
      ],
    ]);
  }

  /** The session is over; `lingering` while processes of it live on, and once more without when the last is gone. */
  insertLoginEnd(login: Id, end: { at: Micros; lingering: boolean }): boolean {
    return this.#run('loginEnd', [login, flag(end.lingering), end.at]);
  }

  /** @param revocation `by` is who did it, as a person would be named */
  insertRevocation(login: Id, revocation: { at: Micros; by: string; reason: string }): boolean {
    return this.#run('revocation', [login, revocation.at, revocation.by, revocation.reason]);
  }

  /** @returns the id under which this image is stored: an earlier one, where the same image is there already */
  insertProcess(process: Process): number {
    const added = this.#run('process', [
      ...[
        process.id,
        process.login,
        process.parent,
        process.pid,
        process.ppid,
        process.startNs,
        process.image,
      ],
      ...[
        process.exe,
        flag(process.exeVerified),
        JSON.stringify(process.argv),
        process.argvBytes,
        process.uid,
      ],
      ...[process.started, flag(process.recovered)],
    ]);
    const id = added
      ? process.id
      : (this.#stored.get(process.login, process.pid, process.startNs, process.image) ?? process.id);
    if (process.exited !== null) {
      this.insertProcessExit(id, {
        at: process.exited,
        exitCode: process.exitCode,
        signal: process.signal,
      });
    }
    return id;
  }

  insertProcessExit(
    process: number,
    exit: { at: Micros; exitCode: number | null; signal: number | null },
  ): boolean {
    return this.#run('exit', [process, exit.at, exit.exitCode, exit.signal]);
  }

  /** A hop with the decision about it; one that is over already (a refusal) gets its end too. */
  insertHop(hop: Hop): boolean {
    return this.batch(() => {
      const added = this.#run('hop', [
        ...[hop.id, hop.login, hop.process, JSON.stringify(hop.chain), hop.target, hop.name, hop.transport],
        ...[hop.protocol, hop.destination.address, hop.destination.port, hop.started, hop.mode],
        ...[hop.source?.address ?? null, hop.source?.port ?? null],
      ]);
      if (added) this.insertDecision(hop.id, hop.started, hop.decision);
      if (hop.ended !== null) {
        const { bytesUp, bytesDown, endReason: reason } = hop;
        this.insertHopEnd(hop.id, { at: hop.ended, bytesUp, bytesDown, reason });
      }
      return added;
    });
  }

  /** Decided again about a hop that lives: the latest decision is the one that is shown. */
  insertDecision(hop: Id, at: Micros, decision: Decision): boolean {
    return this.#decide(hop, 0, at, decision);
  }

  /** @param end `reason` null where either side closed it */
  insertHopEnd(
    hop: Id,
    end: { at: Micros; bytesUp: number | null; bytesDown: number | null; reason: string | null },
  ): boolean {
    return this.#run('hopEnd', [hop, end.at, end.bytesUp, end.bytesDown, end.reason]);
  }

  /** The proxy has dialed the hop's destination from there. */
  insertHopDial(hop: Id, { address, port }: Endpoint): boolean {
    return this.#run('hopDial', [hop, address, port]);
  }

  /** Another host says that a login there came by this hop. */
  insertHopChild(hop: Id, child: { host: string; login: Id; at: Micros }): boolean {
    return this.#run('hopChild', [hop, child.host, child.login, child.at]);
  }

  insertAction(action: NewAction): boolean {
    // A batch in a batch costs as much as what it holds, and there are many of these.
    if (!this.#transactor.active) return this.batch(() => this.insertAction(action));
    const { hop, seq, kind, at, subject, detail, decision } = action;
    const decided = this.#decided.get(hop, decision) ?? this.#decideAction(hop, seq, at, decision);
    return this.#run('action', [hop, seq, kind, at, subject, detail, decided]);
  }

  /** @param end `detail` is the text of a JSON object: what came of it */
  insertActionEnd(hop: Id, seq: number, end: { at: Micros; detail: string }): boolean {
    return this.#run('actionEnd', [hop, seq, end.at, end.detail]);
  }

  insertRecording({ id, kind, file, started, ...of }: NewRecording): boolean {
    const [hop, login] = 'hop' in of ? [of.hop, null] : [null, of.login];
    return this.#run('recording', [id, hop, login, kind, file, started]);
  }

  /** @param end `bytes` up to the end of the last whole segment, `sha256` of those; `reason` null where nothing is missing */
  insertRecordingEnd(
    recording: string,
    end: { at: Micros; bytes: number; sha256: string; reason: string | null },
  ): boolean {
    return this.#run('recordingEnd', [recording, end.at, end.bytes, end.sha256, end.reason]);
  }

  /** The file is gone, as it was to be. */
  insertRecordingRemoval(recording: string, removal: { at: Micros; reason: string }): boolean {
    return this.#run('recordingRemoval', [recording, removal.at, removal.reason]);
  }

  /** Decided again, after somebody has answered: the latest decision is the one that is shown. */
  insertActionDecision(hop: Id, seq: number, at: Micros, decision: Decision): boolean {
    return this.#decide(hop, seq, at, decision);
  }

  insertApproval(approval: NewApproval): boolean {
    const { id, hop, action, at, expires, requester, user, asks, reason } = approval;
    const values = [id, hop, action, at, expires, requester, user, JSON.stringify(asks), reason];
    return this.#run('approval', values);
  }

  /** The first answer is the one that counts. */
  insertApprovalAnswer(approval: number, answer: ApprovalAnswer): boolean {
    const { at, outcome, by, login, uid, reason } = answer;
    return this.#run('approvalAnswer', [approval, at, outcome, by, login, uid, reason]);
  }

  /** @returns the handoff under the store's number for it */
  insertHandoff(handoff: Omit<Handoff, 'id'>): Handoff {
    const { kind, login, process, toLogin, toPid, via, at } = handoff;
    const values = [kind, login, process, toLogin, toPid, via, at];
    const { added, row } = this.#transactor.insert(this.#insert.handoff, values, 'a handoff');
    return { ...handoff, id: added ? row : (this.#handoff.get(at, toPid, kind, via, process) ?? 0) };
  }

  /** @returns the notice under the store's number for it */
  insertNotice(notice: Omit<Notice, 'id'>): Notice {
    const { at, kind, login, count, detail } = notice;
    const { row } = this.#transactor.insert(
      this.#insert.notice,
      [at, kind, login, count, detail],
      'a notice',
    );
    return { ...notice, id: row };
  }

  /** A fact about the store itself. */
  insertMeta(at: Micros, key: string, value: string): void {
    this.#run('meta', [at, key, value]);
  }

  /** @returns the decision's number */
  #decideAction(hop: Id, seq: number, at: Micros, decision: Decision): number {
    this.#decide(hop, seq, at, decision);
    const row = this.#decisionRow.get(hop, seq, at) as number;
    this.#decided.set(hop, decision, row);
    return row;
  }

  #decide(hop: Id, action: number, at: Micros, decision: Decision): boolean {
    return this.#run('decision', [
      ...[hop, action, at, decision.outcome, JSON.stringify(decision.policies), decision.reason],
      ...[flag(decision.observed), JSON.stringify(decision.errors), decision.version],
    ]);
  }

  #run(kind: keyof Inserts, values: readonly unknown[]): boolean {
    return this.#transactor.insert(this.#insert[kind], values, kind).added;
  }
}

function flag(value: boolean): number {
  return value ? 1 : 0;
}

function json(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
