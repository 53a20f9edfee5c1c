/** The statements of one session: what each may stand for, what policies say of it, and its record. */
import type { Decision } from '../../core/types.ts';
import type { Actions } from '../room.ts';
import { detailOf, factsOf, type SessionFacts, subjectOf } from './actions.ts';
import type { Running } from './awaited.ts';
import { Names } from './names.ts';
import { resolve } from './sql/resolve.ts';
import type { Statement } from './sql/statement.ts';
import { storedName } from './stored-name.ts';

/** What was prepared, or bound to a portal. */
export interface Prepared {
  readonly statements: readonly Statement[];
  /** Of a portal, as the record keeps them. */
  readonly parameters: readonly (string | null)[] | null;
  /** A portal that was suspended goes on under the record it has. */
  running: Running | null;
}

/** A name that SQL gives: what becomes of it when the server has run the statement, or has not. */
export interface Proposal {
  done(): void;
  failed(): void;
}

export interface Decided {
  readonly statement: Statement;
  readonly decision: Decision;
}

export const passes = ({ outcome, observed }: Decision): boolean => outcome === 'allow' || observed;

export class Statements {
  readonly prepared = new Names<Prepared>();
  readonly portals = new Names<Prepared>();
  readonly #actions: Actions;
  readonly #session: SessionFacts;
  readonly #open = new Set<Running>();

  constructor(actions: Actions, session: SessionFacts) {
    this.#actions = actions;
    this.#session = session;
  }

  /** Of everything that the statement may turn out to be, what is denied; else what it is by all that is known. */
  decide(written: Statement): Decided {
    const [first, ...others] = this.#readings(written).map((statement) => ({
      statement,
      decision: this.#actions.decide('query', factsOf(statement, this.#session)),
    }));
    return others.find(({ decision }) => !passes(decision)) ?? (first as Decided);
  }

  /** The one of several that is denied, else the first; an empty statement needs nobody's leave. */
  decideAll(statements: readonly Statement[]): Decided | null {
    let first: Decided | null = null;
    for (const statement of statements) {
      const decided = this.decide(statement);
      first ??= decided;
      if (!passes(decided.decision)) return decided;
    }
    return first;
  }

  begin({ statement, decision }: Decided, parameters: readonly (string | null)[] | null = null): Running {
    const detail = detailOf(statement, this.#session, parameters);
    const action = this.#actions.begin({ kind: 'query', subject: subjectOf(statement), detail, decision });
    const running = { action, since: performance.now(), rows: 0, bytes: 0 };
    this.#open.add(running);
    return running;
  }

  end(running: Running, result: Readonly<Record<string, unknown>>): void {
    if (!this.#open.delete(running)) return;
    const { action, since, rows, bytes } = running;
    const milliseconds = Math.round((performance.now() - since) * 1000) / 1000;
    this.#actions.end(action, { rows, bytes, milliseconds, ...result });
  }

  /** The connection is over, and with it what still ran. */
  endAll(why: string): void {
    for (const running of [...this.#open]) this.end(running, { error: why });
  }

  /** What a statement of SQL names: it is behind that name from now on, if the server takes it. */
  propose(statement: Statement): Proposal | null {
    const { verb, prepared, cursor, inner } = statement;
    if (verb === 'prepare' && prepared !== null) return this.#proposal(this.prepared, prepared, inner);
    if (verb === 'declare' && cursor !== null) return this.#proposal(this.portals, cursor, inner);
    if (verb !== 'deallocate' && verb !== 'discard') return null;
    const done = () =>
      prepared === null ? this.prepared.clear() : this.prepared.remove(storedName(prepared));
    return { done, failed() {} };
  }

  #proposal(names: Names<Prepared>, name: string, inner: Statement | null): Proposal {
    const key = storedName(name);
    const value = { statements: inner === null ? [] : [inner], parameters: null, running: null };
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
