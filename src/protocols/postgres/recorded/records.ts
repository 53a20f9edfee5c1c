/**
 * Records of a recording of the kind `rows`. Each begins with the number of its action in the hop (u32); after it
 *
 * | type | |
 * |---|---|
 * | `result` | JSON: a `ResultShape`. Before the first row of the action |
 * | `rows` | DataRow, CopyData or FunctionCallResponse messages as the client got them; one may begin in one record and end in a later one |
 * | `end` | rows that were recorded (u32) |
 */
import type { Format } from '../messages.ts';

export const Kept = { result: 1, rows: 2, end: 3 } as const;

export interface ResultShape {
  readonly limit: number | 'all';
  /** `copy`: of COPY TO STDOUT; `value`: of a FunctionCall. */
  readonly form: 'rows' | 'copy' | 'value';
  /** The session's client_encoding. */
  readonly encoding: string;
  /** Name, type's object id, format; null where the client was not told. */
  readonly columns: readonly (readonly [name: string, typeOid: number, format: Format])[] | null;
  /** Of COPY TO STDOUT; null where it is none, or was not told. */
  readonly copy: Format | null;
}

/** What is recorded of one statement's result. */
export interface RowsKept {
  /** Rows, at most. */
  readonly limit: number;
  rows: number;
  /** Its shape is recorded. */
  begun: boolean;
}
