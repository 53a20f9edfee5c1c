/** The bytes of one COPY … TO STDOUT, masked as they come. */
import { ProtocolError } from '../errors.ts';
import type { CopyResponse } from '../messages.ts';
import { BinaryRows } from './binary-rows.ts';
import { type CopyColumn, headerTreatment, type Treatment, treatment } from './columns.ts';
import { CsvRows } from './csv-rows.ts';
import { copyEncoding } from './encodings.ts';
import type { CopyFormat } from './options.ts';
import { Output } from './output.ts';
import { Rest } from './rest.ts';
import { malformed, type Rows } from './rows.ts';
import { TextRows } from './text-rows.ts';

export const MOST_ROW_BYTES = 64 * 1024 * 1024;

export interface CopyMaskerOptions {
  /** `copyOut` of the statement that runs. */
  readonly copy: CopyFormat;
  /** In the order in which they are copied, all of them. */
  readonly columns: readonly CopyColumn[];
  /** The server's CopyOutResponse: it has to be what the statement said. */
  readonly response: Pick<CopyResponse, 'format' | 'columnFormats'>;
  /** A longer row ends the copy: so much is kept of one that has not come whole, and as much again is written. */
  readonly mostRowBytes?: number;
}

/**
 * Takes the data of CopyData messages one after the other. What comes in is lent until the next call, and so is what is
 * given back. A row goes on when all of it is there: rows that came in one message, or in several, are in one message
 * at most.
 *
 * After an error, which says what was wrong but not what came, nothing more may be asked of it.
 */
export class CopyMasker {
  readonly #rows: Rows;
  readonly #most: number;
  readonly #out = new Output();
  readonly #rest = new Rest();

  /** @throws DecodeError where the response is to another statement */
  constructor({ copy, columns, response, mostRowBytes = MOST_ROW_BYTES }: CopyMaskerOptions) {
    const binary = copy.format === 'binary';
    if (response.format !== (binary ? 1 : 0))
      malformed(`format ${response.format} of a copy in the ${copy.format} format`);
    if (response.columnFormats.length !== columns.length)
      malformed(`${response.columnFormats.length} columns of a copy that has ${columns.length}`);
    this.#rows = rowsOf(copy, columns);
    this.#most = mostRowBytes;
  }

  /**
   * @returns rows that are whole, masked; `data` itself where it is made of whole rows in which nothing is masked
   * @throws ProtocolError
   */
  push(data: Buffer): Buffer {
    const rest = this.#rest;
    const looked = rest.length;
    const bytes = rest.with(data);
    this.#out.begin(bytes);
    let start = 0;
    let from = looked;
    while (start < bytes.length) {
      const end = this.#rows.end(bytes, start, from);
      this.#bound((end < 0 ? bytes.length : end) - start);
      if (end < 0) break;
      this.#rows.mask(bytes, start, end, this.#out);
      start = from = end;
    }
    const whole = this.#out.take(start);
    rest.keep(bytes, start);
    return whole;
  }

  /**
   * CopyDone.
   * @throws DecodeError where the data ends within a row
   */
  end(): void {
    if (this.#rest.length > 0) malformed('an end within a row');
    this.#rows.finish();
  }

  #bound(length: number): void {
    if (length > this.#most)
      throw new ProtocolError('too_long', 'CopyData', `a row of more than ${this.#most} bytes`);
  }
}

function rowsOf(copy: CopyFormat, columns: readonly CopyColumn[]): Rows {
  const encoding = copyEncoding(copy.encoding);
  const { characterLength } = encoding;
  const treatments = columns.map((column) => treatment(column, copy.format === 'binary', encoding));
  if (copy.format === 'binary') return new BinaryRows(treatments);
  const header = copy.header
    ? columns.map((column, at) => headerTreatment(column, treatments[at] ?? null, encoding))
    : null;
  if (copy.format === 'text') return new TextRows(copy, treatments, header, characterLength);
  const names = columns.map(({ name }) => name);
  const quoted = columns.map((_, at) => isForced(copy, names, at));
  const described = (all: readonly (Treatment | null)[]) =>
    all.map((treatment, at) => ({ treatment, quoted: quoted[at] ?? false }));
  return new CsvRows(
    copy,
    described(treatments),
    header === null ? null : described(header),
    characterLength,
  );
}

/** Of columns of the same name FORCE_QUOTE means the first. Where no name is known quotes tell nothing. */
function isForced({ forceQuote }: CopyFormat, names: readonly (string | null)[], at: number): boolean {
  if (forceQuote === 'all') return true;
  const name = names[at] ?? null;
  if (name === null) return forceQuote.length > 0;
  return forceQuote.includes(name) && names.indexOf(name) === at;
}
