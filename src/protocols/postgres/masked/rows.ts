/** DataRow messages with the values that a person may not see replaced. */
import { FULL } from '../../../masking/forms.ts';
import { lengthLimit } from '../../../masking/types.ts';
import { copyEncoding, encodingName, type Treatment, treatment } from '../copy/index.ts';
import { decodeDataRow } from '../decode-backend.ts';
import { Fields } from '../fields.ts';
import type { FieldDescription } from '../messages.ts';
import type { Plan } from './plan.ts';

const HEADER = 5;
const COUNT = 2;
const LENGTH = 4;

/** The rows are not those that were traced: none of them can be shown. */
export class MaskingError extends Error {
  override readonly name = 'MaskingError';
}

/** For the rows of one statement. */
export class RowMasker {
  readonly #columns: readonly (Treatment | null)[];
  /** Those of them that are looked at. */
  readonly #looked: readonly number[];
  readonly #fields = new Fields();
  readonly #values: (Buffer | null)[] = [];

  /** @throws MaskingError where there are other columns than were traced */
  constructor({ forms, scan }: Plan, described: readonly FieldDescription[], encoding: string) {
    if (forms !== null && forms.length !== described.length)
      throw new MaskingError(
        `the server gives ${described.length} columns where ${forms.length} were traced: the database has changed meanwhile`,
      );
    const name = encodingName(encoding);
    const known = copyEncoding(name ?? 'SQL_ASCII');
    this.#columns = described.map(({ typeObjectId: typeOid, typeModifier, format }, at) => {
      const form = forms?.[at] ?? null;
      // Of what characters nobody knows nothing can be kept.
      const mask = form === null || name !== null || form.kind === 'null' ? form : FULL;
      const column = { name: null, typeOid, limit: lengthLimit(typeOid, typeModifier), mask, scan };
      return treatment(column, format === 1, known);
    });
    this.#looked = this.#columns.flatMap((column, at) => (column === null ? [] : [at]));
  }

  /**
   * @param message a DataRow
   * @returns the same where nothing in it was to be replaced
   * @throws DecodeError, MaskingError
   */
  mask(message: Buffer): Buffer {
    const fields = decodeDataRow(message, this.#fields);
    if (fields.count !== this.#columns.length)
      throw new MaskingError(`a row of ${fields.count} values, where ${this.#columns.length} were described`);
    let length = message.length;
    let changed = false;
    const values = this.#values;
    for (const at of this.#looked) {
      const value = fields.value(at);
      if (value === null) continue;
      const shown = (this.#columns[at] as Treatment).treat(value);
      values[at] = shown;
      if (shown === value) continue;
      changed = true;
      length += (shown?.length ?? 0) - value.length;
    }
    return changed ? this.#written(message, fields, length) : message;
  }

  #written(message: Buffer, fields: Fields, length: number): Buffer {
    const out = Buffer.allocUnsafe(length);
    message.copy(out, 0, 0, HEADER + COUNT);
    out.writeInt32BE(length - 1, 1);
    let to = HEADER + COUNT;
    /** What lies before it in the message is written. */
    let from = to;
    for (const at of this.#looked) {
      if (fields.length(at) < 0) continue;
      const shown = this.#values[at] ?? null;
      const start = fields.start(at);
      to += message.copy(out, to, from, start - LENGTH);
      to = out.writeInt32BE(shown?.length ?? -1, to);
      if (shown !== null) to += shown.copy(out, to);
      from = start + fields.length(at);
    }
    message.copy(out, to, from);
    return out;
  }
}
