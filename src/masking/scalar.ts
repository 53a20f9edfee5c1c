/** One value that is no array, in the text format; the binary format of most types is the same. */
import { maskBytes } from './apply.ts';
import type { MaskForm } from './forms.ts';
import { maskJson } from './json.ts';
import { STARS } from './stars.ts';
import type { ScalarClass } from './types.ts';
import { cut } from './utf8.ts';
import { maskUuid } from './uuid.ts';

/** NAMEDATALEN - 1. */
const NAME_BYTES = 63;
const STAR = Buffer.from('*');
const SPACE = 0x20;

/** @param limit in characters, -1 is none */
export function maskScalar(form: MaskForm, value: Buffer, type: ScalarClass, limit: number): Buffer | null {
  if (form.kind === 'null') return null;
  switch (type) {
    case 'text':
      return fit(maskBytes(form, value), limit);
    case 'bpchar':
      return pad(fit(maskBytes(form, unpadded(value)), limit), limit);
    case 'name':
      return fitName(maskBytes(form, value));
    case 'json':
    case 'jsonb':
      return maskJson(form, value);
    case 'xml':
      return form.kind === 'hash' ? maskBytes(form, value) : STARS;
    case 'char':
      return form.kind === 'hash' ? null : STAR;
    case 'uuid':
      return form.kind === 'hash' ? maskUuid(value, form.key) : null;
    default:
      return null;
  }
}

/** Cut to the length that the column declares. */
export function fit(masked: Buffer | null, limit: number): Buffer | null {
  return masked === null || limit < 0 ? masked : cut(masked, limit);
}

export function fitName(masked: Buffer | null): Buffer | null {
  return masked !== null && masked.length > NAME_BYTES ? STARS : masked;
}

/** Padded with spaces to the length that the column declares. */
export function pad(masked: Buffer | null, limit: number): Buffer | null {
  if (masked === null || limit < 0) return masked;
  const missing = limit - characters(masked);
  return missing <= 0 ? masked : Buffer.concat([masked, Buffer.alloc(missing, SPACE)]);
}

/** Without trailing spaces, which mean nothing in a character(n). */
export function unpadded(value: Buffer): Buffer {
  let end = value.length;
  while (end > 0 && value[end - 1] === SPACE) end -= 1;
  return end === value.length ? value : value.subarray(0, end);
}

function characters(text: Buffer): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) if (((text[at] as number) & 0xc0) !== 0x80) count += 1;
  return count;
}
