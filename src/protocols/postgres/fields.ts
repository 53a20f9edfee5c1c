/**
 * The list of values that DataRow, Bind and FunctionCall share: an Int16 count, then for each an Int32 length (-1 is
 * NULL) and so many bytes. Kept as places in the message, so that reading a row allocates nothing.
 */
import { DecodeError } from './errors.ts';

const EMPTY = Buffer.alloc(0);

export class Fields {
  #message: Buffer = EMPTY;
  #count = 0;
  /** Start and length by turns; only as long as the longest list read so far. */
  readonly #places: number[] = [];

  get count(): number {
    return this.#count;
  }

  /** Where the value begins in the message; `field` is below `count`. */
  start(field: number): number {
    return this.#places[2 * field] as number;
  }

  /** In bytes; -1 is NULL. */
  length(field: number): number {
    return this.#places[2 * field + 1] as number;
  }

  /** A view of the message; null is NULL. */
  value(field: number): Buffer | null {
    const length = this.length(field);
    if (length < 0) return null;
    const start = this.start(field);
    return this.#message.subarray(start, start + length);
  }

  /**
   * Reads a list in place of the one before.
   * @param at where the count is
   * @param type the message's name, for errors
   * @returns where the list ends
   * @throws DecodeError where it does not fit the message; the list is empty then
   */
  read(message: Buffer, at: number, type: string): number {
    this.#count = 0;
    const end = message.length;
    if (at + 2 > end) throw new DecodeError(type, 'ends within the count of values');
    const count = message.readUInt16BE(at);
    let next = at + 2;
    if (next + 4 * count > end) throw new DecodeError(type, `${count} values do not fit its length`);
    const places = this.#places;
    for (let place = 0; place < 2 * count; place += 2) {
      if (next + 4 > end) throw new DecodeError(type, 'ends within the length of a value');
      const length = message.readInt32BE(next);
      next += 4;
      places[place] = next;
      places[place + 1] = length;
      if (length >= 0) next += length;
      else if (length !== -1) throw new DecodeError(type, `a value of length ${length}`);
      if (next > end) throw new DecodeError(type, `a value of length ${length}, longer than the message`);
    }
    this.#message = message;
    this.#count = count;
    return next;
  }
}
