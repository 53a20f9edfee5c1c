/** What the server answers to a query of Hopline's own. */
import { decodeDataRow } from './decode-backend.ts';
import type { ErrorReport } from './error-fields.ts';
import type { Encoding } from './text.ts';

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

  /** @param message a DataRow in the text format */
  row(message: Buffer, encoding: Encoding): void {
    const fields = decodeDataRow(message);
    const row: (string | null)[] = [];
    for (let at = 0; at < fields.count; at += 1) {
      const value = fields.value(at);
      const text = value === null ? null : encoding.text(value);
      if (value !== null && text === null)
        this.fail({ severity: 'ERROR', code: '22021', message: `a name is no ${encoding.name}` });
      row.push(text);
    }
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
