/** What the server answers to a query of Hopline's own. */
import type { ErrorReport } from './error-fields.ts';

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
