/** A masked JSON document: always a JSON string. */
import { maskBytes } from './apply.ts';
import type { MaskForm } from './forms.ts';
import { JSON_STARS } from './stars.ts';

const QUOTE = 0x22;

/**
 * A document that is one string is masked as the text that it stands for; of any other only the hash tells anything.
 * @param value the document in UTF-8, as the server writes it
 */
export function maskJson(form: MaskForm, value: Buffer): Buffer | null {
  if (form.kind === 'null') return null;
  if (form.kind === 'full') return JSON_STARS;
  const text = value[0] === QUOTE ? stringOf(value) : null;
  if (text !== null) return quote(maskBytes(form, Buffer.from(text)));
  return form.kind === 'hash' ? quote(maskBytes(form, value)) : JSON_STARS;
}

function stringOf(value: Buffer): string | null {
  try {
    const parsed: unknown = JSON.parse(value.toString());
    return typeof parsed === 'string' ? parsed : null;
  } catch {
    return null;
  }
}

function quote(masked: Buffer | null): Buffer | null {
  return masked === null ? null : Buffer.from(JSON.stringify(masked.toString()));
}
