/** A form applied to text. */
import { maskCard } from './card.ts';
import { maskEmail } from './email.ts';
import type { MaskForm } from './forms.ts';
import { maskPartial } from './partial.ts';
import { STARS } from './stars.ts';

/**
 * @param value the text's bytes: UTF-8, or another encoding whose ASCII bytes mean ASCII
 * @returns null for NULL; possibly a shared Buffer that must not be written to
 */
export function maskBytes(form: MaskForm, value: Buffer): Buffer | null {
  switch (form.kind) {
    case 'null':
      return null;
    case 'partial':
      return maskPartial(value, form.first, form.last);
    case 'hash':
      return Buffer.from(form.key.hash(value), 'latin1');
    case 'card':
      return maskCard(value, form.key);
    case 'email':
      return maskEmail(value);
    default:
      return STARS;
  }
}
