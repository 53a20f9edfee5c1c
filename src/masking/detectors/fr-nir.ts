/**
 * French social security numbers (NIR, décret 82-103): sex, year, month, department (2A and 2B are Corsica's),
 * commune, order, and a key of two digits, which has to be there. Of other numbers of 15 digits one in about 900
 * passes.
 */
import type { Report } from './hit.ts';

const SHAPE =
  /(?<![A-Z0-9]|\d\.)([123478])([ -]?)\d{2}[ -]?(?:0[1-9]|1[0-2]|[23]\d|4[0-2]|[5-9]\d)[ -]?(?:\d{2}|2[AB])[ -]?\d{3}[ -]?\d{3}[ -]?\d{2}(?![A-Z0-9]|\.\d)/gi;
const BODY = 13;

export function findNirs(text: string, report: Report): void {
  for (const match of text.matchAll(SHAPE)) {
    if (hasItsKey(match[0].replace(/[ -]/g, ''))) report(match.index, match.index + match[0].length);
  }
}

/** 97 less the rest of the first 13 by 97, with Corsica's departments as 19 and 18. */
function hasItsKey(nir: string): boolean {
  const body = nir.slice(0, BODY).replace(/2A/i, '19').replace(/2B/i, '18');
  return 97 - (Number(body) % 97) === Number(nir.slice(BODY));
}
