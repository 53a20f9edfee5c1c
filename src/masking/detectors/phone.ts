/**
 * Telephone numbers in international form (E.123): `+`, at once the country code, and the number, with up to three of
 * space, dash, dot, slash and parenthesis between digits, valid in their country's numbering plan. Digits without `+`
 * are never guessed to be one.
 */
import { parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { isDigit, isSeparator, isWord } from './chars.ts';
import type { Report } from './hit.ts';

/** The shortest have seven digits (Niue); E.164 ends at 15, and a `(0)` may stand among them. */
const LEAST = 7;
const MOST = 17;
const MOST_SEPARATORS = 3;
/** Numbers looked up in one text, 4 to 7 µs each. Beyond it every candidate counts as one. */
const MOST_LOOKED_UP = 1000;

export function findPhones(text: string, report: Report): void {
  let lookedUp = 0;
  for (let plus = text.indexOf('+'); plus >= 0; ) {
    let next = plus + 1;
    if (!isWord(text.charCodeAt(plus - 1))) {
      const ends = candidates(text, plus + 1);
      for (let n = ends.length - 2; n >= 0; n -= 2) {
        const digits = ends[n] as string;
        const end = ends[n + 1] as number;
        if (++lookedUp <= MOST_LOOKED_UP && parsePhoneNumberFromString(digits)?.isValid() !== true) continue;
        report(plus, end);
        next = end;
        break;
      }
    }
    plus = text.indexOf('+', next);
  }
}

/** By turns, for each group of digits that could end a number: `+` with the digits up to there, where that is. */
function candidates(text: string, start: number): (string | number)[] {
  const found: (string | number)[] = [];
  let digits = '';
  let at = start;
  if (text.charCodeAt(at) === 0x30) return found;
  for (;;) {
    const from = at;
    while (isDigit(text.charCodeAt(at))) at += 1;
    if (at === from || digits.length + at - from > MOST) return found;
    digits += text.slice(from, at);
    if (digits.length >= LEAST && !isWord(text.charCodeAt(at))) found.push(`+${digits}`, at);
    const end = at;
    while (at - end < MOST_SEPARATORS && separates(text.charCodeAt(at))) at += 1;
    if (at === end) return found;
  }
}

/** Also `.`, `/`, `(` and `)`. */
function separates(code: number): boolean {
  return isSeparator(code) || code === 0x2e || code === 0x2f || code === 0x28 || code === 0x29;
}
