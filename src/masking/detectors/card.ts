/**
 * Payment card numbers: 13 to 19 digits, in one or in groups of 3 to 6 (the last may be shorter) with up to three
 * spaces or dashes between them, that begin as an issuer's do and pass Luhn (ISO/IEC 7812-1).
 *
 * Not taken: digits next to a letter or after a decimal point, and 13 digits that are a valid EAN-13, as those on
 * goods are. Of other numbers of the right length one in ten passes Luhn, and about one in four of those begins as an
 * issuer's do.
 */
import ean from 'validator/lib/isEAN.js';
import luhn from 'validator/lib/isLuhnNumber.js';
import { isDigit, isSeparator, isWord } from './chars.ts';
import type { Report } from './hit.ts';

/** From and to as the first four digits, least and most digits. */
const ISSUERS: readonly (readonly [from: number, to: number, least: number, most: number])[] = [
  // Mir, Mastercard.
  [2200, 2204, 16, 19],
  [2221, 2720, 16, 16],
  // JCB, Diners Club, American Express.
  [2131, 2131, 15, 15],
  [1800, 1800, 15, 15],
  [3000, 3059, 14, 19],
  [3095, 3095, 14, 19],
  [3400, 3499, 15, 15],
  [3528, 3589, 16, 19],
  [3600, 3699, 14, 19],
  [3700, 3799, 15, 15],
  [3800, 3999, 14, 19],
  // Visa.
  [4000, 4999, 13, 13],
  [4000, 4999, 16, 19],
  // Maestro, Verve, Mastercard.
  [5000, 5099, 13, 19],
  [5100, 5599, 16, 16],
  [5600, 5899, 13, 19],
  // Discover, RuPay, UnionPay, Maestro.
  [6000, 6011, 16, 19],
  [6012, 6999, 13, 19],
  [8100, 8299, 16, 19],
  // Troy.
  [9792, 9792, 16, 16],
];
const LEAST = 13;
const MOST = 19;
/** Of digits between separators; the last may be shorter. */
const SHORTEST_GROUP = 3;
const LONGEST_GROUP = 6;
const DOT = 0x2e;
const MOST_SEPARATORS = 3;

/** Where the digit groups of the run under way begin and end, by turns; used by one call at a time. */
let groups: number[] = [];

export function findCards(text: string, report: Report): void {
  for (let at = 0; at < text.length; ) {
    if (!isDigit(text.charCodeAt(at))) at += 1;
    else if (at > 0 && isWord(text.charCodeAt(at - 1))) at = groupEnd(text, at);
    else {
      at = readRun(text, at);
      findInRun(text, report);
    }
  }
  groups = [];
}

function groupEnd(text: string, start: number): number {
  let at = start + 1;
  while (isDigit(text.charCodeAt(at))) at += 1;
  return at;
}

/** Fills `groups` from `start`. @returns where the run ends */
function readRun(text: string, start: number): number {
  groups.length = 0;
  let at = start;
  for (;;) {
    const end = groupEnd(text, at);
    groups.push(at, end);
    at = end;
    while (at - end < MOST_SEPARATORS && isSeparator(text.charCodeAt(at))) at += 1;
    if (at === end || !isDigit(text.charCodeAt(at))) return end;
  }
}

function findInRun(text: string, report: Report): void {
  for (let first = 0; first < groups.length; ) {
    const end = longestFrom(text, first);
    if (end >= 0) report(groups[first] as number, groups[end + 1] as number);
    first = end < 0 ? first + 2 : end + 2;
  }
}

/** @returns the place in `groups` of the last group of the longest card number that begins with `first`, or -1 */
function longestFrom(text: string, first: number): number {
  let digits = '';
  let longest = -1;
  for (let n = first; n < groups.length; n += 2) {
    const start = groups[n] as number;
    const end = groups[n + 1] as number;
    const length = end - start;
    if (digits.length + length > MOST) break;
    digits += text.slice(start, end);
    const whole = n === first;
    if (!whole && length > LONGEST_GROUP) break;
    if (digits.length >= LEAST && isBounded(text, groups[first] as number, end) && isCard(digits, whole))
      longest = n;
    if (length < SHORTEST_GROUP || length > LONGEST_GROUP) break;
  }
  return longest;
}

/** Neither a part of a word nor of a decimal number. */
function isBounded(text: string, start: number, end: number): boolean {
  const decimal = text.charCodeAt(start - 1) === DOT && isDigit(text.charCodeAt(start - 2));
  const after = text.charCodeAt(end);
  return !decimal && !isWord(after) && !(after === DOT && isDigit(text.charCodeAt(end + 1)));
}

function isCard(digits: string, whole: boolean): boolean {
  const prefix = Number(digits.slice(0, 4));
  const length = digits.length;
  for (const [from, to, least, most] of ISSUERS) {
    if (prefix < from || prefix > to || length < least || length > most) continue;
    return luhn.default(digits) && !(whole && length === LEAST && ean.default(digits));
  }
  return false;
}
