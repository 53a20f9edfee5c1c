/** An e-mail address without its local part. */
import { isUtf8 } from 'node:buffer';
import { STARS } from './stars.ts';
import { next } from './utf8.ts';

const AT = 0x40;
const QUOTE = 0x22;
/** Bytes that no local part has outside quotes (RFC 5322 3.2.3): controls, space, `"(),:;<>@[\]`. */
const SPECIAL = new Set(Buffer.from('"(),:;<>@[\\] '));

/**
 * The first character, `***`, `@` and the domain. A local part of one character, or in quotes, shows nothing of itself.
 * @param value one address and nothing else; anything else becomes `***`
 */
export function maskEmail(value: Buffer): Buffer {
  const at = value.lastIndexOf(AT);
  if (at < 1 || !isLocalPart(value, at) || !isDomain(value, at + 1)) return STARS;
  const first = value[0] === QUOTE ? 0 : next(value, 0, at);
  const kept = first === at || !isUtf8(value.subarray(0, first)) ? 0 : first;
  const masked = Buffer.allocUnsafe(kept + STARS.length + value.length - at);
  value.copy(masked, 0, 0, kept);
  STARS.copy(masked, kept);
  value.copy(masked, kept + STARS.length, at);
  return masked;
}

function isLocalPart(value: Buffer, end: number): boolean {
  if (value[0] === QUOTE) return end > 2 && value[end - 1] === QUOTE;
  for (let at = 0; at < end; at++) {
    const byte = value[at] as number;
    if (byte < 0x20 || byte === 0x7f || SPECIAL.has(byte)) return false;
  }
  return true;
}

/** Letters, digits, dots and dashes of any script, or an address literal in brackets. */
function isDomain(value: Buffer, start: number): boolean {
  const end = value.length;
  const literal = value[start] === 0x5b && value[end - 1] === 0x5d && end - start > 2;
  for (let at = literal ? start + 1 : start; at < (literal ? end - 1 : end); at++) {
    const byte = value[at] as number;
    const letter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
    const digit = byte >= 0x30 && byte <= 0x39;
    const mark = byte === 0x2e || byte === 0x2d || (literal && byte === 0x3a);
    if (!letter && !digit && !mark && byte < 0x80) return false;
  }
  return start < end && isUtf8(value.subarray(start));
}
