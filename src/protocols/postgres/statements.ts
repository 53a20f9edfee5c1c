/** The statements of one session: what each may stand for, what policies say of it, and its record. */
import type { Decision, Lifted } from '../../core/types.ts';
import type { Actions } from '../room.ts';
import { detailOf, factsOf, type SessionFacts, subjectOf } from './actions.ts';
import type { Running } from './awaited.ts';
import type { ErrorReport } from './error-fields.ts';
import { isRefused, type Plan, quietly, type Refused } from './masked/plan.ts';
import type { SessionMasking } from './masked/session.ts';
import { typo } from './masked/typo.ts';
import type { TransactionStatus } from './messages.ts';
import { Names } from './names.ts';
import { PortalNames } from './portal-names.ts';
import { type Prepared, prepared } from './prepared.ts';
import type { RowRecorder } from './recorded/recorder.ts';
import { as } from './sql/nodes.ts';
import { parse } from './sql/parse.ts';
import { resolve } from './sql/resolve.ts';
import type { Statement } from './sql/statement.ts';
import { storedName } from './stored-name.ts';

/** A name that SQL gives: what becomes of it when the server has run the statement, or has not. */
export interface Proposal {
  done(): void;
  failed(): void;
}

export interface Decided {
  readonly statement: Statement;
  readonly decision: Decision;
  readonly plan: Plan | null;
  /** False where the statement is one of several that a name in it may stand for. */
  readonly certain: boolean;
  /** What the person reads where it is denied; left out where that is the decision's reason. */
  readonly report?: ErrorReport | undefined;
}

export const passes = ({ outcome, observed }: Decision): boolean => outcome === 'allow' || observed;

/** It may pass once somebody has said yes. */
export const isHeld = ({ outcome, observed }: Decision): boolean => outcome === 'approve' && !observed;

export class Statements {
  readonly prepared = new Names<Prepared>();
  readonly portals = new PortalNames();
  readonly #actions: Actions;
  readonly #session: SessionFacts;
  /** Null: nothing is masked in this session. */
  readonly masking: SessionMasking | null;
  readonly #rows: RowRecorder;
  readonly #open = new Set<Running>();

  constructor(actions: Actions, session: SessionFacts, masking: SessionMasking | null, rows: RowRecorder) {
    this.#actions = actions;
    this.#session = session;
    this.masking = masking;
    this.#rows = rows;
  }

  /**
   * Of everything that the statement may turn out to be, what is denied, or else held; else what it is by all that is
   * known.
   * @param approved approvals that were given for it
   */
  decide(written: Statement, approved: readonly Lifted[] = []): Decided {
    const readings = this.#readings(written).map((statement) => ({
      statement,
      decision: this.#actions.decide('query', factsOf(statement, this.#session), approved),
    }));
    return { ...(strictest(readings) as Decided), plan: null, certain: readings.length === 1 };
  }

  /** How the answer is shown, of what runs where it is decided; what can't be told is denied. */
  show(decided: Decided): Decided {
    const { masking } = this;
    if (masking === null || !passes(decided.decision)) return decided;
    const { statement, certain } = decided;
    let plan: Plan | Refused | null;
    if (statement.verb === 'fetch') {
      const portals = this.portals.behind(storedName(statement.cursor ?? ''));
      plan = this.reopened(portals)
        ? { refused: REOPENED }
        : portals.length === 0
          ? { refused: NO_CURSOR }
          : oneOf(portals.map((portal) => portal.plan));
    } else if (statement.transaction === 'commit' || statement.transaction === 'prepare')
      plan = quietly(this.quietAtEnd());
    else plan = masking.plan(statement);
    if (!isRefused(plan) && (plan === null || certain)) return { ...decided, plan };
    return this.refuse(decided, isRefused(plan) ? plan.refused : AMBIGUOUS);
  }

  /** Another portal may be behind the name of these than the one that was made, and it is not known yet. */
  reopened(portals: readonly Prepared[]): boolean {
    const { masking } = this;
    return masking?.unsettled === true && portals.some(({ changes }) => changes !== masking.changes);
  }

  /** What cannot be shown is denied, where masking is enforced. */
  refuse(decided: Decided, refused: string): Decided {
    if (this.masking?.observed !== false) return decided;
    const { version } = decided.decision;
    const reason = `${decided.statement.verb} is refused: ${refused}`;
    const decision = { outcome: 'deny', policies: [], reason, observed: false, errors: [], version } as const;
    return { ...decided, decision, plan: null, report: typo(decided.statement) };
  }

  /** The one of several that is denied, or else held, else the first; an empty statement needs nobody's leave. */
  decideAll(statements: readonly Statement[], approved: readonly Lifted[] = []): Decided | null {
    return strictest(statements.map((statement) => this.decide(statement, approved))) ?? null;
  }

  /** @param waits it does not go on yet: `resume` follows, or its end */
  begin(
    { statement, decision, plan }: Decided,
    parameters: readonly (string | null)[] | null = null,
    waits = false,
  ): Running {
    const detail = { ...detailOf(statement, this.#session, parameters), ...this.#maskedDetail(plan) };
    const action = this.#actions.begin({ kind: 'query', subject: subjectOf(statement), detail, decision });
    const shown = this.masking?.observed === true ? null : plan;
    const kept = passes(decision) && !waits ? this.#rows.expect(statement, decision) : null;
    const running = { action, since: performance.now(), plan: shown, kept, rows: 0, bytes: 0 };
    if (passes(decision) && !waits) this.masking?.ran(statement, plan);
    this.#open.add(running);
    return running;
  }

  /** The server has said how the transaction stands: portals end with theirs. */
  ready(status: TransactionStatus): void {
    this.portals.ready(status);
    this.masking?.ready(status);
  }

  /** It goes on, after somebody has answered. */
  resume(running: Running, { statement, decision, plan }: Decided): Running {
    running.since = performance.now();
    running.plan = this.masking?.observed === true ? null : plan;
    running.kept = this.#rows.expect(statement, decision);
    running.late = this.#maskedDetail(plan);
    this.masking?.ran(statement, plan);
    return running;
  }

  /** Another decision takes the place of the one with which it was begun. */
  decided({ action }: Running, decision: Decision): void {
    this.#actions.decided(action, decision);
  }

  #maskedDetail(plan: Plan | null): Readonly<Record<string, unknown>> {
    if (plan === null || plan.masked.length === 0) return {};
    return this.masking?.observed === true ? { wouldMask: plan.masked } : { masked: plan.masked };
  }

  end(running: Running, result: Readonly<Record<string, unknown>>): void {
    if (!this.#open.delete(running)) return;
    const { action, since, rows, bytes, late, kept } = running;
    const milliseconds = Math.round((performance.now() - since) * 1000) / 1000;
    const recorded = kept === null ? {} : this.#rows.end(action, kept);
    this.#actions.end(action, { rows, bytes, milliseconds, ...recorded, ...late, ...result });
  }

  /** A message of the client's is next that is read whatever became of those before it. */
  part(): void {
    this.prepared.part();
    this.portals.part();
  }

  /** The connection is over, and with it what still ran. */
  endAll(why: string): void {
    for (const running of [...this.#open]) this.end(running, { error: why });
  }

  /** What a statement of SQL names: it is behind that name from now on, if the server takes it. */
  propose({ statement, plan }: Decided): Proposal | null {
    const { verb, prepared, cursor, inner } = statement;
    if (verb === 'prepare' && prepared !== null) return this.#proposal(this.prepared, prepared, inner, {});
    if (verb === 'declare' && cursor !== null)
      return this.#proposal(this.portals, cursor, inner, {
        ...{ plan, held: isWithHold(statement.text), changes: this.masking?.changes ?? 0 },
      });
    const done = this.#ending(statement);
    return done === null ? null : { done, failed() {} };
  }

  /** What becomes of names when the server has run a statement that ends some. */
  #ending({ verb, prepared, cursor, transaction, text }: Statement): (() => void) | null {
    const { portals } = this;
    switch (transaction) {
      case 'savepoint':
        return () => portals.marked();
      case 'rollback to':
        return () => portals.wentBack();
      case 'commit':
      case 'prepare':
        return () => portals.ended(false);
      case 'rollback':
        return () => portals.ended(true);
    }
    switch (verb) {
      case 'close':
        return () => (cursor === null ? portals.clear() : portals.remove(storedName(cursor)));
      case 'deallocate':
        return () => (prepared === null ? this.prepared.clear() : this.prepared.remove(storedName(prepared)));
      case 'discard':
        if (!/\ball\b/i.test(text)) return null;
        return () => {
          this.prepared.clear();
          portals.clear();
        };
      default:
        return null;
    }
  }

  /** A cursor WITH HOLD runs when its transaction ends: the statement whose values its errors may quote. */
  quietAtEnd(): string | null {
    for (const { held, committed, plan } of this.portals.values())
      if (held && !committed && plan !== null && plan.quiet !== null) return plan.quiet;
    return null;
  }

  #proposal(
    names: Names<Prepared>,
    name: string,
    inner: Statement | null,
    more: Partial<Prepared>,
  ): Proposal {
    const key = storedName(name);
    const value = { ...prepared(inner === null ? [] : [inner]), ...more };
    names.propose(key, value);
    return { done: () => names.confirm(key, value), failed: () => names.reject(key, value) };
  }

  /** EXECUTE and FETCH do what is behind their name, which may be one of several statements for now. */
  #readings(written: Statement): readonly Statement[] {
    let most = 1;
    const nth = (names: Names<Prepared>, name: string, at: number): Statement | null => {
      const all = names.behind(storedName(name)).flatMap(({ statements }) => statements);
      most = Math.max(most, all.length);
      return all[Math.min(at, all.length - 1)] ?? null;
    };
    const readings: Statement[] = [];
    for (let at = 0; at < most; at += 1)
      readings.push(
        resolve(written, {
          prepared: (name) => nth(this.prepared, name, at),
          cursor: (name) => nth(this.portals, name, at),
        }),
      );
    return readings;
  }
}

/** What is denied counts most, then what is held, then what comes first. */
export function strictest<T extends { readonly decision: Decision }>(all: readonly T[]): T | undefined {
  return (
    all.find(({ decision }) => !passes(decision) && !isHeld(decision)) ??
    all.find(({ decision }) => isHeld(decision)) ??
    all[0]
  );
}

export const REOPENED =
  'what its name stands for may have changed with what came before it in the same message: send it by itself';
const NO_CURSOR = 'what its cursor reads is not known';
const AMBIGUOUS = 'what its name stands for is not known before the server has answered: send it by itself';

/** What holds for all of them. */
function oneOf(plans: readonly (Plan | null)[]): Plan | Refused | null {
  const [first = null, ...others] = plans;
  return others.every((plan) => plan === first) ? first : { refused: AMBIGUOUS };
}

/** Of words in comments and names only the parser knows. CURSOR_OPT_HOLD in parsenodes.h. */
function isWithHold(text: string): boolean {
  return ((as(parse(text).tree?.stmts?.[0]?.stmt, 'DeclareCursorStmt')?.options ?? 0) & 0x20) !== 0;
}
