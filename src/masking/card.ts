/** A card number with all digits but the last four replaced by others. */
import type { MaskKey } from './key.ts';
import { passesLuhn } from './luhn.ts';
import { STARS } from './stars.ts';

const KEPT = 4;
/** Four are never more than half; ISO/IEC 7812-1 has no longer number. */
const LEAST = 2 * KEPT;
const MOST = 19;

/**
 * Keeps length, spaces, dashes and the last four digits; the same number gets the same digits under one key, however
 * it is separated. The result never passes Luhn: it is nobody's number, and no detector takes it for one.
 * @param value 8 to 19 digits with spaces and dashes between them; anything else becomes `***`
 */
export function maskCard(value: Buffer, key: MaskKey): Buffer {
  const digits = digitsOf(value);
  if (digits === null) return STARS;
  const replaced = replace(digits, key);
  const masked = Buffer.from(value);
  let next = 0;
  for (let at = 0; at < masked.length; at++) {
    if (isDigit(masked[at] as number)) masked[at] = 0x30 + (replaced[next++] as number);
  }
  return masked;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function digitsOf(value: Buffer): Uint8Array | null {
  if (!isDigit(value[0] ?? 0) || !isDigit(value[value.length - 1] ?? 0)) return null;
  const digits = new Uint8Array(MOST);
  let count = 0;
  for (let at = 0; at < value.length; at++) {
    const byte = value[at] as number;
    if (isDigit(byte)) {
      if (count === MOST) return null;
      digits[count++] = byte - 0x30;
    } else if (byte !== 0x20 && byte !== 0x2d) return null;
  }
  return count < LEAST ? null : digits.subarray(0, count);
}

function replace(digits: Uint8Array, key: MaskKey): Uint8Array {
  const stream = key.derive('card', digits);
  const replaced = Uint8Array.from(digits);
  const hidden = digits.length - KEPT;
  for (let n = 0; n < hidden; n++) replaced[n] = (stream[n] as number) % 10;
  // One digit in ten at any place passes Luhn, and one is the original: a third is neither.
  const first = replaced[0] as number;
  for (let n = 0; n < 3; n++) {
    replaced[0] = (first + n) % 10;
    if (!passesLuhn(replaced) && replaced[0] !== digits[0]) break;
  }
  return replaced;
}
