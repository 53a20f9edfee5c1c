/**
 * Queries of Hopline's own in a client's session, while nothing else is under way in it: the client sees nothing of them.
 * They are of the simple protocol, so a message of several statements ends at the first one that fails.
 */
import type { Answers } from './awaited.ts';
import { query } from './encode-frontend.ts';
import type { ErrorReport } from './error-fields.ts';
import type { Encoding } from './text.ts';
import { Writer } from './writer.ts';

/** A row in the text format. */
export type TextRow = readonly (string | null)[];

/** What the server answered; `rows` by statement, as far as it came. */
export interface OwnAnswer {
  readonly rows: readonly (readonly TextRow[])[];
  readonly error: ErrorReport | null;
}

export class OwnQuery {
  readonly #statements: TextRow[][] = [];
  readonly #settle: (answer: OwnAnswer) => void;
  #current: TextRow[] = [];
  #error: ErrorReport | null = null;

  constructor(settle: (answer: OwnAnswer) => void) {
    this.#settle = settle;
  }

  row(row: TextRow): void {
    this.#current.push(row);
  }

  complete(): void {
    this.#statements.push(this.#current);
    this.#current = [];
  }

  fail(report: ErrorReport): void {
    this.#error ??= report;
  }

  ready(): void {
    this.#settle({ rows: this.#statements, error: this.#error });
  }
}

export interface OwnQueriesOptions {
  readonly answers: Answers;
  encoding(): Encoding;
  toServer(bytes: Buffer): void;
}

export class OwnQueries {
  readonly #options: OwnQueriesOptions;
  readonly #out = new Writer();

  constructor(options: OwnQueriesOptions) {
    this.#options = options;
  }

  /** To be called while nothing is owed, with the client's messages held back. Never resolves where the connection ends. */
  ask(sql: string): Promise<OwnAnswer> {
    const { answers, encoding, toServer } = this.#options;
    return new Promise((resolve) => {
      answers.push({ kind: 'own', own: new OwnQuery(resolve) });
      query(this.#out, encoding().bytes(sql));
      toServer(this.#out.take());
    });
  }
}
