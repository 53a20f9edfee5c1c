/** What does not run: its record, and what the server gets in its place. */
import type { Answers, Running } from './awaited.ts';
import { type Denial, denial } from './deny.ts';
import { parse, query } from './encode-frontend.ts';
import { Run } from './run.ts';
import type { Decided, Statements } from './statements.ts';
import type { Encoding } from './text.ts';
import { Writer } from './writer.ts';

export interface RefuserOptions {
  readonly answers: Answers;
  readonly statements: Statements;
  encoding(): Encoding;
  toServer(bytes: Buffer): void;
}

export class Refuser {
  readonly #options: RefuserOptions;
  readonly #out = new Writer();

  constructor(options: RefuserOptions) {
    this.#options = options;
  }

  /**
   * Records that it does not run.
   * @param begun its record, where it has one
   */
  denied(
    decided: Decided,
    parameters: readonly (string | null)[] | null = null,
    begun: Running | null = null,
  ): Denial {
    const { statements } = this.#options;
    if (begun !== null) statements.decided(begun, decided.decision);
    statements.end(begun ?? statements.begin(decided, parameters), { error: 'denied' });
    return denial(decided.decision, decided.report);
  }

  /** @param before the text of `run`, which is not denied */
  instead(kind: 'query' | 'parse' | 'execute', run: Run, before: string, denied: Denial): void {
    const { answers, encoding, toServer } = this.#options;
    answers.push({ kind, ...run.awaited(), denial: denied });
    if (kind === 'query') query(this.#out, encoding().bytes(before + denied.statement));
    else parse(this.#out, '', denied.statement);
    toServer(this.#out.take());
  }

  /** As `instead` of a simple query, where the text before it can be written again as it came. */
  insteadOf(run: Run, before: string, denied: Denial): void {
    const { statements, encoding } = this.#options;
    if (encoding().text(encoding().bytes(before)) === before) {
      this.instead('query', run, before, denied);
      return;
    }
    // What cannot be written again does not run: most of it would be rolled back anyway.
    for (const one of run.running) statements.end(one, { error: 'denied with what follows it' });
    run.failed();
    this.instead('query', new Run(), '', denied);
  }
}
