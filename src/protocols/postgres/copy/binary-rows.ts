/**
 * The binary format: a header, tuples of fields that each say their length, a trailer (PostgreSQL 18 manual, COPY,
 * Binary Format). Header and trailer count as rows here.
 */
import type { Treatment } from './columns.ts';
import type { Output } from './output.ts';
import { malformed, type Rows } from './rows.ts';

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const FLAGS = SIGNATURE.length;
const EXTENSION_LENGTH = FLAGS + 4;
const HEADER = EXTENSION_LENGTH + 4;
/** Flags that change what follows. Bit 16, object ids, no server since version 12 writes. */
const CRITICAL = 0xffff0000;
const TRAILER = -1;
const NULL = -1;

export class BinaryRows implements Rows {
  readonly #columns: readonly (Treatment | null)[];
  #place: 'header' | 'tuples' | 'over' = 'header';
  /** Of the tuple under way: the next field, and where it begins, counted from the tuple's beginning. */
  #field = 0;
  #next = 0;

  constructor(columns: readonly (Treatment | null)[]) {
    this.#columns = columns;
  }

  end(bytes: Buffer, start: number): number {
    if (this.#place === 'over') malformed('more after the end of the data');
    if (this.#place === 'header') return headerEnd(bytes, start);
    if (this.#next === 0) {
      if (start + 2 > bytes.length) return -1;
      const fields = bytes.readInt16BE(start);
      if (fields === TRAILER) return start + 2;
      if (fields !== this.#columns.length)
        malformed(`a tuple of ${fields} fields, of ${this.#columns.length} columns`);
      this.#next = 2;
    }
    while (this.#field < this.#columns.length) {
      const at = start + this.#next;
      if (at + 4 > bytes.length) return -1;
      this.#next += 4 + lengthAt(bytes, at);
      this.#field += 1;
    }
    const end = start + this.#next;
    if (end > bytes.length) return -1;
    this.#field = this.#next = 0;
    return end;
  }

  mask(bytes: Buffer, start: number, _end: number, out: Output): void {
    if (this.#place === 'header') {
      this.#place = 'tuples';
      return;
    }
    if (bytes.readInt16BE(start) === TRAILER) {
      this.#place = 'over';
      return;
    }
    let at = start + 2;
    for (const treatment of this.#columns) {
      const length = bytes.readInt32BE(at);
      const from = at + 4;
      const to = from + Math.max(length, 0);
      if (treatment !== null && length !== NULL) {
        const value = bytes.subarray(from, to);
        const masked = treatment.treat(value);
        if (masked !== value) {
          out.replace(at, to);
          out.int32(masked === null ? NULL : masked.length);
          if (masked !== null) out.put(masked);
        }
      }
      at = to;
    }
  }

  finish(): void {
    if (this.#place !== 'over') malformed('an end without the trailer');
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  const length = bytes.readInt32BE(at);
  if (length < NULL) malformed(`a field of length ${length}`);
  return Math.max(length, 0);
}

/** @returns -1 where more is needed */
function headerEnd(bytes: Buffer, start: number): number {
  const there = Math.min(bytes.length - start, SIGNATURE.length);
  if (SIGNATURE.compare(bytes, start, start + there, 0, there) !== 0)
    malformed('another signature than PGCOPY');
  if (start + HEADER > bytes.length) return -1;
  if ((bytes.readUInt32BE(start + FLAGS) & CRITICAL) !== 0) malformed('flags that are not known');
  const extension = bytes.readInt32BE(start + EXTENSION_LENGTH);
  if (extension < 0) malformed(`a header extension of length ${extension}`);
  const end = start + HEADER + extension;
  return end > bytes.length ? -1 : end;
}
