/**
 * The answers that the server still owes, in order, so that each can be laid to the statement it answers
 * (PostgreSQL 18 manual, 54.2.2 Simple Query, 54.2.3 Extended Query, 54.2.4 Pipelining).
 */
import type { Denial } from './deny.ts';
import type { Plan } from './masked/plan.ts';
import type { FieldDescription } from './messages.ts';
import type { OwnQuery } from './own-query.ts';
import type { RowsKept } from './recorded/records.ts';

/** A statement that runs, and its record. */
export interface Running {
  /** Its number in the hop. */
  readonly action: number;
  /** Milliseconds, monotonic. */
  readonly since: number;
  /** How its rows and errors are shown; null: as they are. */
  readonly plan: Plan | null;
  /** What of its rows is recorded; null: nothing is to be. */
  readonly kept: RowsKept | null;
  rows: number;
  bytes: number;
}

/** What is to happen when the server has taken, or refused, what was asked. */
export interface Awaited {
  readonly kind: 'query' | 'parse' | 'bind' | 'describe' | 'execute' | 'close' | 'sync' | 'function' | 'own';
  /** Statements of a simple query, in order; the one of an Execute or a FunctionCall. */
  readonly running: readonly Running[];
  /** How many of them are over. */
  over: number;
  /** In place of the statement after the last of `running`. */
  readonly denial: Denial | null;
  /** The server took it: for a statement of a simple query, with its place. */
  readonly done: ((statement: number) => void) | null;
  /** The server refused it, or skipped it. */
  readonly failed: (() => void) | null;
  /** Of an Execute. */
  readonly portal: {
    readonly plan: Plan | null;
    readonly fields: readonly FieldDescription[] | null;
  } | null;
  /** Of a Describe: takes the RowDescription. Its bytes are the server's: to be read before it returns. */
  readonly described: ((fields: readonly FieldDescription[]) => void) | null;
  /** A Describe of Hopline's, whose answer the client does not get. */
  readonly hidden: boolean;
  /** Hopline's own query. */
  readonly own: OwnQuery | null;
}

/** What has ReadyForQuery for its last answer. */
const ENDS: ReadonlySet<Awaited['kind']> = new Set(['query', 'sync', 'function', 'own']);

const NOTHING: Omit<Awaited, 'kind'> = {
  running: [],
  over: 0,
  denial: null,
  done: null,
  failed: null,
  portal: null,
  described: null,
  hidden: false,
  own: null,
};

export class Answers {
  readonly #queue: Awaited[] = [];
  #from = 0;
  #idle: (() => void)[] = [];

  push(awaited: Partial<Awaited> & Pick<Awaited, 'kind'>): void {
    this.#queue.push({ ...NOTHING, ...awaited });
  }

  /** Whether all will be answered without another message of the client. */
  get settles(): boolean {
    const last = this.#queue.at(-1);
    return last === undefined || ENDS.has(last.kind);
  }

  /** Resolves when nothing is owed; never where the connection ends before. */
  async idle(): Promise<void> {
    if (this.#queue.length > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** What the next answer is to. */
  get first(): Awaited | null {
    return this.#queue[this.#from] ?? null;
  }

  shift(): Awaited | null {
    const first = this.first;
    if (first === null) return null;
    this.#from += 1;
    if (this.#from === this.#queue.length) {
      this.#queue.length = 0;
      this.#from = 0;
      for (const wake of this.#idle.splice(0)) wake();
    } else if (this.#from > 1024) {
      this.#queue.splice(0, this.#from);
      this.#from = 0;
    }
    return first;
  }

  /** Takes out what is skipped after an error of the extended protocol: everything up to the next Sync. */
  skip(each: (skipped: Awaited) => void): void {
    while (this.first !== null && this.first.kind !== 'sync') {
      const skipped = this.shift();
      if (skipped !== null) each(skipped);
    }
  }
}
