/** Actions that wait for a person: asked, answered once, withdrawn or out of time; each of it in the record. */
import type { Logger } from 'pino';
import { ControlError } from '../api/protocol.ts';
import type { Root } from '../attribution/roots.ts';
import type { ApprovalAnswer, Asking, Lifted, Micros } from '../core/types.ts';
import type { ApprovalTerms } from '../policy/compiled.ts';
import type { Answered, Hold, HoldEvents } from '../proxy/holds.ts';
import type { OpenHops } from './open-hops.ts';
import { isOwn, type Person } from './person.ts';
import { nameOf } from './policy-state.ts';
import type { StoreRecorder } from './store-recorder.ts';

/** What is asked for where no policy says another time. */
const USUAL_MS = 15 * 60_000;
/** Actions that wait at a time on this host. */
const MOST = 1024;

const DISK_FULL = 'the disk is full: what can not be recorded is not let through';

/** A policy as far as approvals are concerned. */
interface Policy {
  readonly id: string;
  readonly approval: ApprovalTerms | null;
  readonly message: string | null;
}

export interface ApprovalsOptions {
  readonly record: Pick<StoreRecorder, 'full' | 'flush' | 'approval' | 'approvalAnswer'>;
  readonly open: Pick<OpenHops, 'get'>;
  /** The first number that no request has. */
  readonly next: number;
  /** Those in force. */
  policies(): readonly Policy[];
  readonly log: Pick<Logger, 'info'>;
  now(): Micros;
}

interface Pending {
  readonly approval: number;
  readonly hold: Hold;
  readonly root: Root | null;
  readonly asks: readonly Asking[];
  readonly timer: NodeJS.Timeout;
}

export class Approvals implements HoldEvents {
  readonly #options: ApprovalsOptions;
  readonly #pending = new Map<number, Pending>();
  #next: number;

  constructor(options: ApprovalsOptions) {
    this.#options = options;
    this.#next = options.next;
  }

  /** How many wait. */
  get size(): number {
    return this.#pending.size;
  }

  /** A worker has an action that has to wait. It is in the record before anybody is told of it. */
  onHold(hold: Hold): void {
    const { record, open, now } = this.#options;
    const hop = open.get(hold.hop);
    const asking = this.#asking(hold.policies);
    if (hop === undefined || typeof asking === 'string') {
      const reason = typeof asking === 'string' ? asking : 'the connection is over';
      hold.answer({ outcome: 'denied', approval: null, by: null, reason, approved: [] });
      return;
    }
    const { asks, timeoutMs } = asking;
    const approval = this.#next++;
    const at = now();
    const expires = at + timeoutMs * 1000;
    record.approval({
      ...{ id: approval, hop: hold.hop, action: hold.action, at, expires, asks, reason: hold.reason },
      ...{ requester: nameOf(hop.root), user: hop.root?.user ?? null },
    });
    const timer = setTimeout(() => this.#expire(approval, timeoutMs), timeoutMs).unref();
    this.#pending.set(approval, { approval, hold, root: hop.root, asks, timer });
    if (!record.flush()) {
      this.#settle(approval, { ...NOBODY, outcome: 'withdrawn', reason: DISK_FULL }, []);
      return;
    }
    hold.held(approval, whoOf(asks), expires);
    this.#options.log.info({ approval, hop: hold.hop, reason: hold.reason }, 'held');
  }

  /** Nobody waits for it any more. */
  onWithdraw(hold: Hold, reason: string): void {
    for (const pending of this.#pending.values())
      if (pending.hold === hold)
        this.#settle(pending.approval, { ...NOBODY, outcome: 'withdrawn', reason }, []);
  }

  /** Who has the key is the client itself. @returns whether there was such a thing */
  onCancel(cancelKey: string): boolean {
    const held = [...this.#pending.values()].filter(({ hold }) => hold.cancelKey === cancelKey);
    const reason = 'the client cancelled it';
    for (const { approval } of held) this.#settle(approval, { ...NOBODY, outcome: 'withdrawn', reason }, []);
    return held.length > 0;
  }

  /**
   * A person's answer. It is in the record when this returns, and on its way to the worker.
   * @throws ControlError `refused`, with why this person may not
   */
  answer(approval: number, outcome: 'approved' | 'denied', person: Person, reason: string): void {
    const { record } = this.#options;
    const pending = this.#pending.get(approval);
    if (pending === undefined)
      throw new ControlError(
        'refused',
        `${approval} waits for no answer any more: see hopline approvals --all`,
      );
    if (isOwn(pending.root, person))
      throw new ControlError('refused', `${approval} is your own: somebody else has to answer it`);
    const theirs = pending.asks.filter(({ group }) => group === null || person.groups.includes(group));
    if (theirs.length === 0)
      throw new ControlError(
        'refused',
        `${approval} is for ${whoOf(pending.asks)} to answer; ${person.name} is in ${person.groups.join(', ') || 'no group'}`,
      );
    if (record.full && !record.flush())
      throw new ControlError('refused', 'the disk is full: an answer that is not recorded is none');
    const approved = outcome === 'approved' ? theirs.map(({ policy, group }) => ({ policy, group })) : [];
    const { name: by, login, uid } = person;
    this.#settle(approval, { outcome, by, login, uid, reason }, approved);
  }

  #expire(approval: number, timeoutMs: number): void {
    const reason = `nobody answered within ${timeText(timeoutMs)}`;
    this.#settle(approval, { ...NOBODY, outcome: 'expired', reason }, []);
  }

  #settle(approval: number, said: Omit<ApprovalAnswer, 'at'>, approved: readonly Lifted[]): void {
    const { record, log, now } = this.#options;
    const pending = this.#pending.get(approval);
    if (pending === undefined) return;
    this.#pending.delete(approval);
    clearTimeout(pending.timer);
    const answer = { ...said, at: now() };
    record.approvalAnswer(approval, answer);
    const recorded = record.flush();
    const { outcome, by, reason } = answer;
    const told: Answered =
      recorded || outcome === 'denied'
        ? { outcome, approval, by, reason, approved }
        : { outcome: 'denied', approval, by: null, reason: DISK_FULL, approved: [] };
    pending.hold.answer(told);
    log.info({ approval, ...answer }, 'answered');
  }

  /**
   * Worker and supervisor may have different policies for a moment: the supervisor's say who is asked.
   * @returns why nobody can be asked, where nobody can
   */
  #asking(ids: readonly string[]): { asks: readonly Asking[]; timeoutMs: number } | string {
    const { record, policies } = this.#options;
    if (this.#pending.size >= MOST) return 'too many actions wait for an approval already';
    if (record.full && !record.flush()) return DISK_FULL;
    const asks: Asking[] = [];
    let timeoutMs = Number.POSITIVE_INFINITY;
    for (const id of ids) {
      const { approval, message } = policies().find((policy) => policy.id === id) ?? NO_POLICY;
      if (approval === null) return 'the policies have changed meanwhile: try again';
      asks.push({ policy: id, group: approval.group, message });
      timeoutMs = Math.min(timeoutMs, approval.timeoutMs ?? USUAL_MS);
    }
    return { asks, timeoutMs };
  }
}

const NO_POLICY: Omit<Policy, 'id'> = { approval: null, message: null };
const NOBODY = { by: null, login: null, uid: null } as const;

/** As `a member of dba`, `a member of dba and another person`. */
function whoOf(asks: readonly Asking[]): string {
  const each = asks.map(({ group }) => (group === null ? 'another person' : `a member of ${group}`));
  return [...new Set(each)].sort().join(' and ');
}

function timeText(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000} min`;
  return ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`;
}
