/** Mask forms: what is shown in place of a value, and their names in a policy's `@mask` annotation. */
import type { MaskKey } from './key.ts';

/**
 * `full`: `***`, whatever the value. `null`: SQL's NULL. `partial`: the first and last so many characters round `***`.
 * `hash`: 16 hexadecimal digits, the same for the same value under one key, so that joins on it still work. `card`: all
 * digits but the last four replaced. `email`: `x***@domain`. A value that a form does not fit is masked in full.
 */
export type MaskForm =
  | { readonly kind: 'full' }
  | { readonly kind: 'null' }
  | { readonly kind: 'partial'; readonly first: number; readonly last: number }
  | { readonly kind: 'hash'; readonly key: MaskKey }
  | { readonly kind: 'card'; readonly key: MaskKey }
  | { readonly kind: 'email' };

export const FULL: MaskForm = Object.freeze({ kind: 'full' });
export const NULL: MaskForm = Object.freeze({ kind: 'null' });
export const EMAIL: MaskForm = Object.freeze({ kind: 'email' });

/** The annotation names no form (`form`), or one that needs a key where there is none (`key`). */
export class MaskFormError extends Error {
  override readonly name = 'MaskFormError';
  readonly code: 'form' | 'key';

  constructor(code: 'form' | 'key', message: string) {
    super(message);
    this.code = code;
  }
}

const PARTIAL = /^(?:first([1-9]\d?))?(?:last([1-9]\d?))?$/;
const ACCEPTED = 'full, null, first2, last4, first1last4 (any numbers from 1 to 99), hash, card, email';

/**
 * @param text `full`, `null`, `hash`, `card`, `email`, `firstN`, `lastN` or `firstNlastM`
 * @param key for `hash` and `card`
 * @throws MaskFormError
 */
export function parseMaskForm(text: string, key: MaskKey | null): MaskForm {
  const kind = kindOf(text);
  if (kind === null) throw new MaskFormError('form', problem(text));
  if (kind === 'full') return FULL;
  if (kind === 'null') return NULL;
  if (kind === 'email') return EMAIL;
  if (kind === 'partial') {
    const [, first = '0', last = '0'] = PARTIAL.exec(text) ?? [];
    return { kind, first: Number(first), last: Number(last) };
  }
  if (key === null)
    throw new MaskFormError('key', `the mask form ${text} needs a masking key, and none is set`);
  return { kind, key };
}

/** What is wrong with an annotation's text, for where it is only checked; null where it names a form. */
export function maskFormProblem(text: string): string | null {
  return kindOf(text) === null ? problem(text) : null;
}

function kindOf(text: string): MaskForm['kind'] | null {
  switch (text) {
    case 'full':
    case 'null':
    case 'hash':
    case 'card':
    case 'email':
      return text;
    default:
      return text !== '' && PARTIAL.test(text) ? 'partial' : null;
  }
}

function problem(text: string): string {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return `${JSON.stringify(shown)} is not a mask form; accepted are ${ACCEPTED}`;
}
