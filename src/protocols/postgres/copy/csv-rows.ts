/**
 * CSV: a field in quotes may hold anything, one without holds neither delimiter, quote nor line end; NULL never is in
 * quotes (PostgreSQL 18 manual, COPY, CSV Format; CopyAttributeOutCSV in copyto.c).
 */
import type { Treatment } from './columns.ts';
import type { CharacterLength } from './encodings.ts';
import { BACKSLASH, CR, DOT, LF } from './marks.ts';
import type { CopyFormat } from './options.ts';
import type { Output } from './output.ts';
import { malformed, type Rows } from './rows.ts';
import { NO_LEAD, seek } from './seek.ts';

const END_MARK = Buffer.from([BACKSLASH, DOT]);

export interface CsvColumn {
  readonly treatment: Treatment | null;
  /** Its values are in quotes, whatever they are. */
  readonly quoted: boolean;
}

export class CsvRows implements Rows {
  readonly #columns: readonly CsvColumn[];
  /** Of the next row: of the header, while that has not come. */
  #next: readonly CsvColumn[];
  readonly #format: CopyFormat;
  readonly #characterLength: CharacterLength | null;
  /** From this byte on the length of a character has to be asked for; above all bytes where it has not. */
  readonly #lead: number;
  #over = false;
  /** Of what was looked through for the row's end. */
  #inQuotes = false;
  #afterEscape = false;

  constructor(
    format: CopyFormat,
    columns: readonly CsvColumn[],
    header: readonly CsvColumn[] | null,
    characterLength: CharacterLength | null,
  ) {
    this.#columns = columns;
    this.#next = header ?? columns;
    this.#format = format;
    this.#characterLength = characterLength;
    this.#lead = characterLength === null ? NO_LEAD : 0x80;
  }

  end(bytes: Buffer, _start: number, from: number): number {
    if (this.#over) malformed('more after the end of the data');
    const { quote, escape: escaping } = this.#format;
    if (!this.#inQuotes) {
      const line = bytes.indexOf(LF, from);
      const row = line < 0 ? bytes.length : line;
      if (!bytes.subarray(from, row).includes(quote)) return line + 1 || -1;
    }
    // An escape outside of quotes is a character as any other. Where it is the quote, two of them change nothing.
    const inside = escaping === quote ? LF : escaping;
    for (let at = from; at < bytes.length; at++) {
      const stop = this.#inQuotes ? inside : LF;
      at = this.#afterEscape ? at + 1 : at;
      this.#afterEscape = false;
      at = seek(bytes, at, bytes.length, quote, stop, stop, NO_LEAD);
      const byte = bytes[at];
      if (byte === quote) this.#inQuotes = !this.#inQuotes;
      else if (byte === LF && !this.#inQuotes) return at + 1;
      else if (byte === escaping) this.#afterEscape = this.#inQuotes && escaping !== quote;
    }
    return -1;
  }

  mask(bytes: Buffer, start: number, end: number, out: Output): void {
    const { quote, delimiter } = this.#format;
    const columns = this.#next;
    const last = end - 1;
    if (last === start + END_MARK.length && END_MARK.compare(bytes, start, last) === 0) {
      this.#over = true;
      return;
    }
    if (columns.length === 0 && start === last) return;
    let column = 0;
    for (let at = start; ; at++) {
      const field = at;
      const quoted = at < last && bytes[at] === quote;
      at = quoted ? this.#closed(bytes, at + 1, last) : this.#bare(bytes, at, last);
      const described = columns[column];
      if (described === undefined) malformed('a row of more fields than columns');
      if (described.treatment !== null) this.#field(described, bytes, field, at, quoted, out);
      column += 1;
      if (at === last) break;
      if (bytes[at] !== delimiter) malformed('a field that goes on after its quotes');
    }
    if (column !== columns.length) malformed('a row of fewer fields than columns');
    this.#next = this.#columns;
  }

  finish(): void {}

  /** @returns where a field without quotes ends */
  #bare(bytes: Buffer, start: number, last: number): number {
    const { quote, delimiter } = this.#format;
    const lead = this.#lead;
    for (let at = start; ; at++) {
      at = seek(bytes, at, last, delimiter, quote, CR, lead);
      const byte = at < last ? bytes[at] : delimiter;
      if (byte === delimiter) return at;
      if (byte === quote || byte === CR) malformed('a quote or a carriage return in a field without quotes');
      at += (this.#characterLength?.(bytes, at) ?? 1) - 1;
      if (at >= last) malformed('a line that ends within a character');
    }
  }

  /** @returns after the closing quote */
  #closed(bytes: Buffer, start: number, last: number): number {
    const { quote, escape: escaping } = this.#format;
    for (let at = start; at < last; at++) {
      at = seek(bytes, at, last, quote, escaping, escaping, NO_LEAD);
      if (at === last) break;
      const byte = bytes[at];
      const next = at + 1 < last ? bytes[at + 1] : null;
      if (byte === escaping && (next === quote || next === escaping)) at += 1;
      else if (byte === quote) return at + 1;
      else malformed('an escape before what needs none');
    }
    return malformed('a field whose quotes are not closed');
  }

  #field(
    { treatment, quoted: always }: CsvColumn,
    bytes: Buffer,
    start: number,
    end: number,
    quoted: boolean,
    out: Output,
  ): void {
    const { nullText } = this.#format;
    if (treatment === null) return;
    if (!quoted && end - start === nullText.length && nullText.compare(bytes, start, end) === 0) return;
    if (!quoted && !treatment.mayChange(bytes, start, end)) return;
    const value = quoted ? this.#value(bytes, start + 1, end - 1) : bytes.subarray(start, end);
    const masked = treatment.treat(value);
    if (masked === value) return;
    out.replace(start, end);
    if (masked === null) out.put(nullText);
    else if (always || this.#needsQuotes(masked)) this.#quote(masked, out);
    else out.put(masked);
  }

  /** What stands between quotes, without escapes: of each two bytes of which the first is one, the second. */
  #value(bytes: Buffer, start: number, end: number): Buffer {
    const { escape: escaping } = this.#format;
    const inner = bytes.subarray(start, end);
    if (!inner.includes(escaping)) return inner;
    const value = Buffer.allocUnsafe(inner.length);
    let length = 0;
    for (let at = 0; at < inner.length; at++) {
      if (inner[at] === escaping) at += 1;
      value[length++] = inner[at] as number;
    }
    return value.subarray(0, length);
  }

  #needsQuotes(value: Buffer): boolean {
    if (value.equals(this.#format.nullText)) return true;
    if (this.#columns.length === 1 && value.equals(END_MARK)) return true;
    const { quote, delimiter } = this.#format;
    for (let at = 0; at < value.length; at++) {
      const byte = value[at] as number;
      if (byte === delimiter || byte === quote || byte === LF || byte === CR) return true;
      if (byte >= this.#lead) at += (this.#characterLength?.(value, at) ?? 1) - 1;
    }
    return false;
  }

  #quote(value: Buffer, out: Output): void {
    const { quote, escape: escaping } = this.#format;
    out.byte(quote);
    let from = 0;
    for (let at = 0; at < value.length; at++) {
      if (value[at] !== quote && value[at] !== escaping) continue;
      if (at > from) out.put(value.subarray(from, at));
      out.byte(escaping);
      from = at;
    }
    out.put(from === 0 ? value : value.subarray(from));
    out.byte(quote);
  }
}
