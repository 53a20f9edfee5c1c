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
  /** Milliseconds, monotonic: when it went on. */
  since: number;
  /** How its rows and errors are shown; null: as they are. */
  plan: Plan | null;
  /** What of its rows is recorded; null: nothing is to be. */
  kept: RowsKept | null;
  rows: number;
  bytes: number;
  /** What is known of it only since it went on. */
  late?: Readonly<Record<string, unknown>>;
}

/** What is to happen when the server has taken, or refused, what was asked. */
export interface Awaited {
  readonly kind:
    | 'startup'
    | 'query'
    | 'parse'
    | 'bind'
    | 'describe'
    | 'execute'
    | 'close'
    | 'sync'
    | 'function'
    | 'own';
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
  /** It may change settings that decide how later messages are read. */
  readonly unsettles: boolean;
  /** Takes whether the client's next messages are data of a COPY, as soon as that is told, and when it is over. */
  readonly copies: ((data: boolean) => void) | null;
}

/** What has ReadyForQuery for its last answer, after an error too. */
export const ENDS: ReadonlySet<Awaited['kind']> = new Set(['startup', 'query', 'sync', 'function', 'own']);

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
  unsettles: false,
  copies: null,
};

export class Answers {
  /** The startup packet itself may set settings. */
  readonly #queue: Awaited[] = [{ ...NOTHING, kind: 'startup', unsettles: true }];
  #from = 0;
  #idle: (() => void)[] = [];
  #pushed = 0;
  /** The server has failed and passes over everything until a Sync comes. */
  #skipped: ((skipped: Awaited) => void) | null = null;
  /** Of what is owed, and of what was answered since the last ReadyForQuery. */
  #unsettling = 1;
  #unsettled = false;

  push(given: Partial<Awaited> & Pick<Awaited, 'kind'>): void {
    const awaited = { ...NOTHING, ...given };
    if (awaited.kind === 'sync') this.#skipped = null;
    if (this.#skipped === null) {
      this.#pushed += 1;
      if (awaited.unsettles) this.#unsettling += 1;
      this.#queue.push(awaited);
    } else {
      awaited.copies?.(false);
      this.#skipped(awaited);
    }
  }

  /** Whether what is sent comes to nothing: the server has failed, or is about to, and there was no Sync since. */
  get skips(): boolean {
    if (this.#skipped !== null) return true;
    for (let at = this.#queue.length - 1; at >= this.#from; at -= 1) {
      const { kind, denial } = this.#queue[at] as Awaited;
      if (kind === 'sync' || kind === 'own' || kind === 'startup') return false;
      if (denial !== null && !ENDS.has(kind)) return true;
    }
    return false;
  }

  /** Whether all will be answered without another message of the client. */
  get settles(): boolean {
    const last = this.#queue.at(-1);
    return last === undefined ? this.#skipped === null : ENDS.has(last.kind);
  }

  /** The server may not have told yet of settings that it reads by. */
  get unsettled(): boolean {
    return this.#unsettled || this.#unsettling > 0;
  }

  /** ReadyForQuery: settings that changed were told of. */
  ready(): void {
    this.#unsettled = false;
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
    first.copies?.(false);
    if (first.unsettles) {
      this.#unsettling -= 1;
      this.#unsettled = true;
    }
    this.#from += 1;
    if (this.#from === this.#queue.length) this.#empty();
    else if (this.#from > 1024) {
      this.#queue.splice(0, this.#from);
      this.#from = 0;
    }
    return first;
  }

  /** How many there were so far. */
  get pushed(): number {
    return this.#pushed;
  }

  /** Takes back all from the `since`th on: what they would answer was never sent. */
  takeBack(since: number, each: (taken: Awaited) => void): void {
    const from = Math.max(this.#from, this.#queue.length - (this.#pushed - since));
    this.#pushed = since;
    for (const taken of this.#queue.splice(from)) {
      if (taken.unsettles) this.#unsettling -= 1;
      taken.copies?.(false);
      each(taken);
    }
    if (this.#from === this.#queue.length) this.#empty();
  }

  #empty(): void {
    this.#queue.length = 0;
    this.#from = 0;
    for (const wake of this.#idle.splice(0)) wake();
  }

  /**
   * Takes out what is skipped after an error of the extended protocol: everything up to the next Sync, simple queries
   * too, be it sent already or not (ignore_till_sync in postgres.c).
   */
  skip(each: (skipped: Awaited) => void): void {
    while (this.first !== null && this.first.kind !== 'sync') {
      const skipped = this.shift();
      if (skipped !== null) each(skipped);
    }
    if (this.first === null) this.#skipped = each;
  }
}
