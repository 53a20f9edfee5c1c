/** Copies as tests write them. */
import { FULL, type MaskForm } from '../../../../src/masking/forms.ts';
import type { Scan } from '../../../../src/masking/scan.ts';
import {
  type CopyColumn,
  type CopyFormat,
  CopyMasker,
  copyOut,
} from '../../../../src/protocols/postgres/copy/index.ts';
import { as } from '../../../../src/protocols/postgres/sql/nodes.ts';
import { parse } from '../../../../src/protocols/postgres/sql/parse.ts';

/** After `loadParser`. */
export function outcomeOf(sql: string, clientEncoding = 'UTF8') {
  const { tree, error } = parse(sql);
  const statement = as(tree?.stmts?.[0]?.stmt, 'CopyStmt');
  if (statement === null) throw new Error(error?.message ?? 'no COPY');
  return copyOut(statement, clientEncoding);
}

/** The options of `COPY t TO STDOUT …`. */
export const outcome = (options: string, clientEncoding = 'UTF8') =>
  outcomeOf(`copy t to stdout ${options}`, clientEncoding);

export function formatOf(options: string, clientEncoding = 'UTF8'): CopyFormat {
  const read = outcome(options, clientEncoding);
  if (read.outcome !== 'copy') throw new Error(read.reason);
  return read.copy;
}

/** Of text, masked in full. */
export const MASKED: CopyColumn = { name: 'secret', typeOid: 25, limit: -1, mask: FULL, scan: null };
export const OPEN: CopyColumn = { ...MASKED, name: 'open', mask: null };
export const withForm = (mask: MaskForm): CopyColumn => ({ ...MASKED, mask });
export const withScan = (scan: Scan): CopyColumn => ({ ...OPEN, scan });

export function masker(copy: CopyFormat, columns: readonly CopyColumn[], mostRowBytes?: number): CopyMasker {
  const format = copy.format === 'binary' ? 1 : 0;
  return new CopyMasker({
    copy,
    columns,
    response: { format, columnFormats: columns.map(() => format) },
    ...(mostRowBytes === undefined ? {} : { mostRowBytes }),
  });
}

/** The data in pieces, each from memory that is overwritten after the call, to the end. */
export function run(made: CopyMasker, pieces: readonly Buffer[]): Buffer {
  const out: Buffer[] = [];
  for (const piece of pieces) {
    const lent = Buffer.from(piece);
    out.push(Buffer.from(made.push(lent)));
    lent.fill(0xee);
  }
  made.end();
  return Buffer.concat(out);
}

export function* cuts(bytes: Buffer): Generator<Buffer[]> {
  yield [bytes];
  yield Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  for (let at = 0; at <= bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)];
}
