/**
 * What bytes have of what the detectors need: one pass, no allocation, and never less than there is.
 *
 * The needs leave out check digits and boundaries: an `@`; a `+` and digits; so many digits with nothing but spaces
 * and dashes between them; digits in groups of three, two and four; two letters that begin a word, and digits after
 * them. Other ways to write these characters (fold.ts) count as themselves.
 */
import { DASH, foldCode, LEFT_OUT, SPACE } from './fold.ts';

/** Bits of a set of needs. */
export const NEEDS = {
  at: 1,
  /** Seven digits after a `+`. */
  phone: 2,
  /** Groups of three, two and four digits. */
  ssn: 4,
  /** Two letters that begin a word, a digit, and twelve more letters and digits. */
  iban: 8,
  /** Two letters that begin a word and six digits. */
  nino: 16,
  /** An N, and eight digits after it. */
  bsn: 32,
  /** Eleven digits together, or in groups of two and three times three. */
  taxId: 64,
  /** Thirteen digits. */
  card: 128,
  /** Fourteen digits; an A or B after one is no end of them. */
  nir: 256,
} as const;
/** Bytes beyond ASCII are there: the answer holds if they are UTF-8. */
export const WIDE = 1 << 30;

const PHONE_DIGITS = 7;
const NINO_DIGITS = 6;
const IBAN_TAIL = 13;
const BSN_DIGITS = 8;
const TAX_ID_DIGITS = 11;
const CARD_DIGITS = 13;
const NIR_DIGITS = 14;

const OTHER = 0;
const LETTER = 1;
const SEPARATOR = 2;
/** Stands within a telephone number, and ends every other one. */
const PHONE = 3;
/** From here on what a need begins with. */
const DIGIT = 4;
const AT = 5;
const PLUS = 6;
/** Begins a character of several bytes that may fold to ASCII. */
const LEAD = 7;
const NOTHING = 8;
const CLASSES = new Uint8Array(256);
for (let code = 0x30; code <= 0x39; code++) CLASSES[code] = DIGIT;
for (let code = 0x41; code <= 0x5a; code++) CLASSES[code] = CLASSES[code + 0x20] = LETTER;
for (const mark of './()') CLASSES[mark.charCodeAt(0)] = PHONE;
CLASSES[SPACE] = CLASSES[DASH] = SEPARATOR;
CLASSES['@'.charCodeAt(0)] = AT;
CLASSES['+'.charCodeAt(0)] = PLUS;
for (const lead of [0xc2, 0xcd, 0xd8, 0xd9, 0xdb, 0xe0, 0xe1, 0xe2, 0xe3, 0xef, 0xf0]) CLASSES[lead] = LEAD;

/**
 * @param wanted the needs to look for
 * @param first return when the first of them is fulfilled
 * @returns those of `wanted` that are fulfilled, and `WIDE`
 */
export function survey(
  wanted: number,
  first: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const corsica = (wanted & NEEDS.nir) !== 0;
  const enough = first ? wanted : 0;
  let found = 0;
  let seen = 0;
  /** Nothing is under way: letters and marks change nothing. */
  let idle = true;
  /** Digits since a letter or mark: all, and those of groups that no letter stands before. */
  let digits = 0;
  let row = 0;
  let group = 0;
  let groupBefore = 0;
  let groupBeforeThat = 0;
  let afterPlus = -1;
  /** Letters and digits since two letters that began a word; -1 after none. */
  let tail = -1;
  let nino = false;
  let blocked = false;
  let afterDigit = false;
  /** The character before is a letter of Corsica's. */
  let kept = false;
  let searched = start;
  scan: for (let at = start; at < end; at++) {
    let byte = bytes[at] as number;
    let kind = CLASSES[byte] as number;
    seen |= byte;
    if (idle) {
      while (kind < DIGIT) {
        if (++at >= end) break scan;
        byte = bytes[at] as number;
        seen |= byte;
        kind = CLASSES[byte] as number;
      }
    }
    const from = at;
    if (kind === LEAD) {
      const length = sequence(bytes, at, end);
      kind = length === 0 ? OTHER : classOfWide(bytes, at, length);
      if (length > 0) at += length - 1;
      if (kind === NOTHING || (idle && kind < DIGIT)) continue;
    }
    if (kind === DIGIT) {
      idle = false;
      digits += 1;
      group += 1;
      if (digits === 1) {
        const letters = lettersBefore(bytes, start, from);
        nino = letters !== NONE;
        if (tail < 0 && letters === ADJACENT) tail = 0;
      }
      if (group === 1) blocked = !kept && from > start && CLASSES[bytes[from - 1] as number] === LETTER;
      if (!blocked) {
        row += 1;
        if (row >= CARD_DIGITS) found |= row >= NIR_DIGITS ? NEEDS.card | NEEDS.nir : NEEDS.card;
        if (row === BSN_DIGITS && (wanted & NEEDS.bsn) !== 0) {
          if (findN(bytes, searched, from)) found |= NEEDS.bsn;
          else searched = from;
        }
        const grouped = group === 3 && groupBefore === 3 && groupBeforeThat === 3;
        if ((group === TAX_ID_DIGITS && !continues(bytes, at + 1, end)) || (grouped && row >= TAX_ID_DIGITS))
          found |= NEEDS.taxId;
        if (group === 4 && groupBefore === 2 && groupBeforeThat === 3) found |= NEEDS.ssn;
      }
      if (afterPlus >= 0 && ++afterPlus >= PHONE_DIGITS) found |= NEEDS.phone;
      if (tail >= 0 && ++tail >= IBAN_TAIL) found |= NEEDS.iban;
      if (nino && digits >= NINO_DIGITS) found |= NEEDS.nino;
      if ((found & enough) !== 0) break;
      afterDigit = true;
      kept = false;
      continue;
    }
    if (kind === SEPARATOR) {
      groupBeforeThat = groupBefore;
      groupBefore = group;
      group = 0;
      afterDigit = kept = false;
      continue;
    }
    kept = kind === LETTER && corsica && afterDigit && isAOrB(byte);
    if (!kept) digits = row = 0;
    group = groupBefore = groupBeforeThat = 0;
    afterDigit = false;
    if (kind === LETTER) {
      afterPlus = -1;
      if (tail >= 0 && ++tail >= IBAN_TAIL) found |= NEEDS.iban;
      idle = tail < 0 && !kept;
    } else {
      tail = -1;
      if (kind === AT) found |= NEEDS.at;
      if ((found & enough) !== 0) break;
      if (kind === PLUS) afterPlus = 0;
      else if (kind !== PHONE) afterPlus = -1;
      idle = afterPlus < 0;
    }
  }
  return (found & wanted) | (seen >= 0x80 ? WIDE : 0);
}

/** Whether another digit, or a letter, stands at `at`. */
function continues(bytes: Uint8Array, at: number, end: number): boolean {
  const kind = at < end ? CLASSES[bytes[at] as number] : OTHER;
  return kind === DIGIT || kind === LETTER;
}

const NONE = 0;
const ADJACENT = 1;
const APART = 2;

/**
 * Whether two letters that begin a word stand before `at`, or before the separator before it. After a byte that is
 * not ASCII, which may be a letter or separator in another form, or nothing, the answer is yes.
 */
function lettersBefore(bytes: Uint8Array, start: number, at: number): number {
  let from = at - 1;
  const apart = from >= start && CLASSES[bytes[from] as number] === SEPARATOR;
  if (apart) from -= 1;
  let letters = 0;
  while (letters < 3 && from >= start && CLASSES[bytes[from] as number] === LETTER) {
    letters += 1;
    from -= 1;
  }
  const before = from >= start ? (bytes[from] as number) : SPACE;
  const yes = before >= 0x80 ? letters <= 2 : letters === 2 && CLASSES[before] !== DIGIT;
  if (!yes) return NONE;
  return apart && before < 0x80 ? APART : ADJACENT;
}

/** Of full-width letters only the first byte is here: any of them could be it. */
function isAOrB(byte: number): boolean {
  const lower = byte | 0x20;
  return byte >= 0x80 || lower === 0x61 || lower === 0x62;
}

/** Also true for characters of several bytes, which may fold to one. */
function findN(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x80 || (byte | 0x20) === 0x6e) return true;
  }
  return false;
}

/** @returns how many bytes the character has whose lead is at `at`; 0 where they are not all there */
function sequence(bytes: Uint8Array, at: number, end: number): number {
  const lead = bytes[at] as number;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (at + length > end) return 0;
  for (let n = 1; n < length; n++) if (((bytes[at + n] as number) & 0xc0) !== 0x80) return 0;
  return length;
}

function classOfWide(bytes: Uint8Array, at: number, length: number): number {
  let code = (bytes[at] as number) & (0x7f >> length);
  for (let n = 1; n < length; n++) code = (code << 6) | ((bytes[at + n] as number) & 0x3f);
  const folded = foldCode(code);
  if (folded === LEFT_OUT) return NOTHING;
  return folded < 0x80 ? (CLASSES[folded] as number) : OTHER;
}
