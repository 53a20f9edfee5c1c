/** A simple query: each of its statements is decided, shown and recorded, then all of them go on in one message. */
import type { Lifted } from '../../core/types.ts';
import { type Asking, unaskable } from './asking.ts';
import type { Answers, Running } from './awaited.ts';
import type { CopyIn } from './copy-in.ts';
import type { Denial } from './deny.ts';
import { query as encodeQuery } from './encode-frontend.ts';
import { pinnedFor } from './masked/pinned.ts';
import type { Refuser } from './refuser.ts';
import { Run } from './run.ts';
import type { Statement } from './sql/statement.ts';
import { type Decided, isHeld, passes, type Statements } from './statements.ts';
import type { Encoding } from './text.ts';
import { Writer } from './writer.ts';

export interface SimpleOptions {
  readonly answers: Answers;
  readonly statements: Statements;
  readonly refuser: Refuser;
  readonly asking: Asking;
  readonly copyIn: CopyIn;
  /** The session's client_encoding, which may change. */
  encoding(): Encoding;
  toServer(bytes: Buffer): void;
  /** Keeps the client's next messages back until a person has answered. */
  wait(work: Promise<void>): void;
}

interface Query {
  readonly message: Buffer;
  readonly text: string | null;
  readonly read: readonly Statement[];
}

/** What came of asking. */
interface Answered {
  /** The statements' records, in order; as many as were begun. */
  readonly running: readonly Running[];
  readonly approved: ReadonlyMap<number, readonly Lifted[]>;
  /** Where the query ends, and how; its record has ended. */
  readonly refused: { readonly at: number; readonly denial: Denial } | null;
}

const WITH_WHAT_FOLLOWS = 'a later statement of the same message is denied';
const UNASKED: Answered = { running: [], approved: new Map(), refused: null };

export class SimpleQueries {
  readonly #options: SimpleOptions;
  readonly #out = new Writer();

  constructor(options: SimpleOptions) {
    this.#options = options;
  }

  /** @param message valid until it returns */
  take(query: Query): void {
    this.#go(query, UNASKED);
  }

  #go(query: Query, answered: Answered): void {
    const { answers, statements, refuser, toServer, encoding, copyIn } = this.#options;
    const { running: begun, approved, refused } = answered;
    const run = new Run(copyIn);
    const pinned = pinnedFor(statements.masking, query.text, query.read, encoding());
    const read = pinned?.statements ?? query.read;
    const text = pinned?.text ?? query.text;
    for (const [at, statement] of read.entries()) {
      if (at === refused?.at) {
        this.#stop(text, statement, run, begun.slice(at), refused.denial);
        return;
      }
      const decided = statements.show(statements.decide(statement, approved.get(at)));
      const record = begun[at] ?? null;
      if (passes(decided.decision)) {
        const running = record === null ? statements.begin(decided) : statements.resume(record, decided);
        run.add(running, statements.propose(decided), statement);
      } else if (isHeld(decided.decision) && answered === UNASKED) {
        this.#ask({ ...query, message: Buffer.from(query.message) }, run);
        return;
      } else {
        this.#stop(text, statement, run, begun.slice(at + 1), refuser.denied(decided, null, record));
        return;
      }
    }
    answers.push({ kind: 'query', ...run.awaited() });
    if (pinned === null) toServer(query.message);
    else {
      encodeQuery(this.#out, encoding().bytes(pinned.text));
      toServer(this.#out.take());
    }
  }

  /** The denial takes the place of `statement`, which comes after those of `run`. */
  #stop(text: string | null, { start }: Statement, run: Run, rest: readonly Running[], denial: Denial): void {
    for (const running of rest)
      this.#options.statements.end(running, { error: 'not run: an earlier one of the message is denied' });
    this.#options.refuser.insteadOf(run, text === null ? '' : text.slice(0, start), denial);
  }

  /** Decides the rest as well, before anybody is asked: nobody is where a later statement is denied anyway. */
  #ask(query: Query, run: Run): void {
    const { statements, refuser, wait } = this.#options;
    const held: { readonly at: number; readonly decided: Decided }[] = [];
    let forbidden: Decided | null = null;
    for (const [at, statement] of query.read.entries()) {
      if (at < run.running.length) continue;
      const decided = statements.decide(statement);
      if (isHeld(decided.decision)) held.push({ at, decided });
      else if (!passes(decided.decision)) {
        forbidden = decided;
        break;
      }
      run.add(statements.begin(decided, null, true), statements.propose(decided), statement);
    }
    const { running } = run;
    const [first] = held;
    if (forbidden !== null && first !== undefined) {
      for (const { at, decided } of held)
        statements.decided(running[at] as Running, unaskable(decided, WITH_WHAT_FOLLOWS).decision);
      run.failed();
      this.#go(query, {
        running,
        approved: new Map(),
        refused: { at: first.at, denial: refuser.denied(forbidden) },
      });
    } else wait(this.#asked(query, run, held));
  }

  async #asked(
    query: Query,
    run: Run,
    held: readonly { readonly at: number; readonly decided: Decided }[],
  ): Promise<void> {
    const { statements, asking } = this.#options;
    const { running } = run;
    const approved = new Map<number, readonly Lifted[]>();
    let refused: Answered['refused'] = null;
    for (const { at, decided } of held) {
      const statement = query.read[at] as Statement;
      const answer = await asking.ask(
        running[at] as Running,
        decided,
        (lifted) => statements.decide(statement, lifted).decision,
      );
      if (answer === null) {
        for (const one of running) statements.end(one, { error: 'not run: the connection ended first' });
        return;
      }
      approved.set(at, answer.approved);
      refused = answer.denial === null ? null : { at, denial: answer.denial };
      if (refused !== null) break;
    }
    // What they name is proposed once more when it is known how they are shown.
    run.failed();
    await statements.masking?.prepare(query.read);
    this.#go(query, { running, approved, refused });
  }
}
