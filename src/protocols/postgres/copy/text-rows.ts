/**
 * The text format: a row is a line, fields are apart by the delimiter, a backslash takes from the next character its
 * meaning, or gives it one (PostgreSQL 18 manual, COPY, Text Format; CopyAttributeOutText in copyto.c).
 */
import type { Treatment } from './columns.ts';
import type { CharacterLength } from './encodings.ts';
import { BACKSLASH, CR, DOT, LF } from './marks.ts';
import type { CopyFormat } from './options.ts';
import type { Output } from './output.ts';
import { malformed, type Rows } from './rows.ts';
import { NO_LEAD, seek } from './seek.ts';
import { textEscape, unescaped } from './text-escapes.ts';

export class TextRows implements Rows {
  readonly #columns: readonly (Treatment | null)[];
  /** Of the next row: of the header, while that has not come. */
  #next: readonly (Treatment | null)[];
  readonly #nullText: Buffer;
  readonly #delimiter: number;
  readonly #characterLength: CharacterLength | null;
  /** From this byte on the length of a character has to be asked for; above all bytes where it has not. */
  readonly #lead: number;
  #over = false;

  constructor(
    { delimiter, nullText }: CopyFormat,
    columns: readonly (Treatment | null)[],
    header: readonly (Treatment | null)[] | null,
    characterLength: CharacterLength | null,
  ) {
    this.#columns = columns;
    this.#next = header ?? columns;
    this.#nullText = nullText;
    this.#delimiter = delimiter;
    this.#characterLength = characterLength;
    this.#lead = characterLength === null ? NO_LEAD : 0x80;
  }

  end(bytes: Buffer, _start: number, from: number): number {
    if (this.#over) malformed('more after the end of the data');
    return bytes.indexOf(LF, from) + 1 || -1;
  }

  mask(bytes: Buffer, start: number, end: number, out: Output): void {
    const last = end - 1;
    if (last === start + 2 && bytes[start] === BACKSLASH && bytes[start + 1] === DOT) {
      this.#over = true;
      return;
    }
    const columns = this.#next;
    if (columns.length === 0 && start === last) return;
    const delimiter = this.#delimiter;
    const lead = this.#lead;
    let column = 0;
    let field = start;
    let escaped = false;
    for (let at = start; ; at++) {
      at = seek(bytes, at, last, delimiter, BACKSLASH, CR, lead);
      const byte = at < last ? bytes[at] : delimiter;
      if (byte === delimiter) {
        const treatment = columns[column];
        if (treatment === undefined) malformed('a row of more fields than columns');
        if (treatment !== null) this.#field(treatment, bytes, field, at, escaped, out);
        column += 1;
        if (at === last) break;
        field = at + 1;
        escaped = false;
      } else if (byte === BACKSLASH) {
        at += 1;
        // A line end that is part of a value is written as \n.
        if (at === last || (bytes[at] as number) >= 0x80) malformed('a backslash before no character');
        escaped = true;
      } else if (byte === CR) malformed('a carriage return that is not escaped');
      else {
        at += (this.#characterLength?.(bytes, at) ?? 1) - 1;
        if (at >= last) malformed('a line that ends within a character');
      }
    }
    if (column !== columns.length) malformed('a row of fewer fields than columns');
    this.#next = this.#columns;
  }

  finish(): void {}

  #field(
    { treat, mayChange }: Treatment,
    bytes: Buffer,
    start: number,
    end: number,
    escaped: boolean,
    out: Output,
  ): void {
    const nullText = this.#nullText;
    if (end - start === nullText.length && nullText.compare(bytes, start, end) === 0) return;
    if (!escaped && !mayChange(bytes, start, end)) return;
    const value = escaped ? unescaped(bytes, start, end, this.#characterLength) : bytes.subarray(start, end);
    const masked = treat(value);
    if (masked === value) return;
    out.replace(start, end);
    if (masked === null) out.put(nullText);
    else textEscape(masked, this.#delimiter, this.#characterLength, out);
  }
}
