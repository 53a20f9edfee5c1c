/**
 * German tax identification numbers (section 139b AO): eleven digits, in one or as `12 345 678 901`. Among the first
 * ten exactly one digit is there twice or three times; the last is a check digit (ISO/IEC 7064 MOD 11,10). Of other
 * numbers of eleven digits one in 260 passes.
 */
import taxId from 'validator/lib/isTaxID.js';
import type { Report } from './hit.ts';

const SHAPE = /(?<![A-Za-z0-9]|\d\.)[1-9]\d(?:\d{9}|([ -])\d{3}\1\d{3}\1\d{3})(?![A-Za-z0-9]|\.\d)/g;

export function findTaxIds(text: string, report: Report): void {
  for (const match of text.matchAll(SHAPE)) {
    const digits = match[0].replace(/[ -]/g, '');
    if (taxId.default(digits, 'de-DE')) report(match.index, match.index + match[0].length);
  }
}
