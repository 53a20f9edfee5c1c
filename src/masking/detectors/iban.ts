/**
 * IBANs (ISO 13616-1): country, check digits, and as many characters as the country's have, in any case, in one or
 * with a space or dash between groups. Country format, check digits and, where a country has them, the account's own
 * are checked.
 */
import { countrySpecs, isValidIBAN } from 'ibantools';
import { isDigit, isLetter, isSeparator, isWord } from './chars.ts';
import type { Report } from './hit.ts';

const LENGTHS = new Map<string, number>();
for (const [country, specification] of Object.entries(countrySpecs)) {
  if (specification?.chars != null) LENGTHS.set(country, specification.chars);
}

export function findIbans(text: string, report: Report): void {
  for (let at = 0; at < text.length; ) {
    if (!isWord(text.charCodeAt(at))) at += 1;
    else {
      const end = begins(text, at) ? ibanEnd(text, at) : -1;
      if (end >= 0) report(at, end);
      at = end >= 0 ? end : wordEnd(text, at);
    }
  }
}

function begins(text: string, at: number): boolean {
  return (
    isLetter(text.charCodeAt(at)) &&
    isLetter(text.charCodeAt(at + 1)) &&
    isDigit(text.charCodeAt(at + 2)) &&
    isDigit(text.charCodeAt(at + 3))
  );
}

function wordEnd(text: string, start: number): number {
  let at = start + 1;
  while (isWord(text.charCodeAt(at))) at += 1;
  return at;
}

/** @returns -1 where there is no IBAN at `start` */
function ibanEnd(text: string, start: number): number {
  const length = LENGTHS.get(text.slice(start, start + 2).toUpperCase());
  if (length === undefined) return -1;
  let iban = '';
  let at = start;
  while (iban.length < length) {
    if (isSeparator(text.charCodeAt(at))) at += 1;
    if (!isWord(text.charCodeAt(at))) return -1;
    iban += text[at++];
  }
  return !isWord(text.charCodeAt(at)) && isValidIBAN(iban.toUpperCase()) ? at : -1;
}
