/**
 * Dutch citizen service numbers (BSN): eight or nine digits that pass the 11-test, in one or in groups of three, at
 * most 24 characters after the word for them. One in eleven of all numbers passes, so without the word none is taken.
 */
import type { Report } from './hit.ts';

const SHAPE =
  /(?<![a-z])(?:bsn|burgerservice[ -]?nummer|sofi[ -]?nummer|sofi[ -]?nr)(?![a-z])[^0-9\n]{1,24}(?<![a-z])(\d{8,9}|\d{3}[ -]\d{3}[ -]\d{3})(?![A-Z0-9])/gi;

export function findBsns(text: string, report: Report): void {
  for (const match of text.matchAll(SHAPE)) {
    const shown = match[1] ?? '';
    const end = match.index + match[0].length;
    if (passesElevenTest(shown.replace(/[ -]/g, ''))) report(end - shown.length, end);
  }
}

/** Weights 9 to 2, and -1 for the last digit. */
function passesElevenTest(digits: string): boolean {
  const nine = digits.padStart(9, '0');
  let sum = 0;
  for (let n = 0; n < 9; n++) sum += Number(nine[n]) * (n === 8 ? -1 : 9 - n);
  return sum % 11 === 0 && Number(nine) > 0;
}
