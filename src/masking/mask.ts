/**
 * Masks the value of a result column so that what comes out is valid for the column's type; types.ts has the table of
 * what becomes of which. What is not understood becomes NULL.
 */
import { mapArrayBinary } from './array-binary.ts';
import { mapArrayText } from './array-text.ts';
import type { MaskForm } from './forms.ts';
import { maskScalar } from './scalar.ts';
import { classOf, elementClass, elementOid, type ScalarClass, type TypeClass } from './types.ts';
import { maskUuidBytes } from './uuid.ts';

const JSONB_VERSION = 1;

/**
 * @param value in the text format, not NULL; in UTF-8, or in another encoding whose ASCII bytes mean ASCII
 * @param limit of varchar(n) and character(n) in characters (`lengthLimit`), -1 is none
 * @returns null for NULL; possibly a shared Buffer, or a part of `value`: it must not be written to
 */
export function maskText(form: MaskForm, value: Buffer, type: TypeClass, limit = -1): Buffer | null {
  if (form.kind === 'null' || type === 'other') return null;
  const element = elementClass(type);
  if (element === null) return maskScalar(form, value, type as ScalarClass, limit);
  return mapArrayText(value, (item) => maskScalar(form, item, element, limit));
}

/** As `maskText`, for a value in the binary format. */
export function maskBinary(form: MaskForm, value: Buffer, typeOid: number, limit = -1): Buffer | null {
  const type = classOf(typeOid);
  if (form.kind === 'null' || type === 'other') return null;
  const element = elementClass(type);
  if (element === null) return maskScalarBinary(form, value, type as ScalarClass, limit);
  const oid = elementOid(typeOid);
  if (oid === null) return null;
  return mapArrayBinary(value, oid, (item) => maskScalarBinary(form, item, element, limit));
}

function maskScalarBinary(form: MaskForm, value: Buffer, type: ScalarClass, limit: number): Buffer | null {
  if (type === 'uuid') return form.kind === 'hash' ? maskUuidBytes(value, form.key) : null;
  if (type !== 'jsonb') return maskScalar(form, value, type, limit);
  if (value[0] !== JSONB_VERSION) return null;
  const masked = maskScalar(form, value.subarray(1), type, limit);
  return masked === null ? null : Buffer.concat([value.subarray(0, 1), masked]);
}
