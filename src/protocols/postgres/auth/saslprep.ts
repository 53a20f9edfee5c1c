/** SASLprep (RFC 4013) as PostgreSQL does it (`pg_saslprep`), so that the same password becomes the same bytes on both sides. */
import {
  LEFT_TO_RIGHT,
  NOTHING,
  PROHIBITED,
  RIGHT_TO_LEFT,
  SPACES,
  UNASSIGNED,
} from './saslprep.generated.ts';

const ASCII = /^[\0-\x7f]*$/;

/**
 * @returns the bytes that a password stands for. What SASLprep prohibits is not refused: PostgreSQL takes such a password as it
 *   is, in setting it and in comparing it.
 */
export function saslprep(password: string): Buffer {
  return Buffer.from(ASCII.test(password) ? password : (prepared(password) ?? password), 'utf8');
}

function prepared(password: string): string | null {
  let mapped = '';
  for (const char of password) {
    const code = char.codePointAt(0) as number;
    if (has(tables.spaces, code)) mapped += ' ';
    else if (!has(tables.nothing, code)) mapped += char;
  }
  if (mapped === '') return null;
  // PostgreSQL looks for what is prohibited before it normalises, the RFC after.
  const codes = Array.from(mapped, (char) => char.codePointAt(0) as number);
  if (codes.some((code) => has(tables.prohibited, code) || has(tables.unassigned, code))) return null;
  return bidiAllows(codes) ? mapped.normalize('NFKC') : null;
}

/** RFC 3454 section 6. */
function bidiAllows(codes: readonly number[]): boolean {
  const rightToLeft = (code: number | undefined) => code !== undefined && has(tables.rightToLeft, code);
  if (!codes.some(rightToLeft)) return true;
  if (codes.some((code) => has(tables.leftToRight, code))) return false;
  return rightToLeft(codes[0]) && rightToLeft(codes.at(-1));
}

const tables = {
  spaces: parse(SPACES),
  nothing: parse(NOTHING),
  prohibited: parse(PROHIBITED),
  unassigned: parse(UNASSIGNED),
  rightToLeft: parse(RIGHT_TO_LEFT),
  leftToRight: parse(LEFT_TO_RIGHT),
};

function parse(table: string): Uint32Array {
  return Uint32Array.from(table.split(' '), (word) => Number.parseInt(word, 16));
}

/** Whether a range of the sorted table holds the code point. */
function has(table: Uint32Array, code: number): boolean {
  let low = 0;
  let high = table.length >> 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (code > (table[2 * middle + 1] as number)) low = middle + 1;
    else high = middle;
  }
  return low < table.length >> 1 && code >= (table[2 * low] as number);
}
