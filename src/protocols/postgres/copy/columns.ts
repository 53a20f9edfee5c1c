/** What becomes of the values of one column of a copy. */
import { isAscii } from 'node:buffer';
import { FULL, type MaskForm } from '../../../masking/forms.ts';
import { maskBinary, maskText } from '../../../masking/mask.ts';
import { type Scan, scanBinary, scanText } from '../../../masking/scan.ts';
import { classOf, type TypeClass } from '../../../masking/types.ts';
import type { CopyEncoding } from './encodings.ts';

export interface CopyColumn {
  /** As the relation or the query calls it; null where that is not known. */
  readonly name: string | null;
  /** Of a domain its base type; text's 25 for a type that is text in all but its name (citext). */
  readonly typeOid: number;
  /** `lengthLimit` of the type modifier, -1 is none. */
  readonly limit: number;
  /** Of the whole value; null for a column that nobody masks. */
  readonly mask: MaskForm | null;
  /** What to look for in the values where there is no mask. */
  readonly scan: Scan | null;
}

/**
 * One value, not NULL, in the copy's encoding, to what is written in its place, in the same encoding. Null is NULL, the
 * same Buffer leaves the value as it is. What it gives must not be written to.
 */
export type Treat = (value: Buffer) => Buffer | null;

export interface Treatment {
  readonly treat: Treat;
  /** False: nothing would be found in these bytes, in which nothing is escaped. */
  mayChange(bytes: Buffer, start: number, end: number): boolean;
}

/** Whose binary format is the text in the session's encoding; of jsonb and arrays only parts are. */
const TEXTUAL: ReadonlySet<TypeClass> = new Set(['text', 'name', 'bpchar', 'char', 'json', 'xml']);

const always = (): boolean => true;

/** @returns null for a column whose values are never looked at */
export function treatment(column: CopyColumn, binary: boolean, encoding: CopyEncoding): Treatment | null {
  const { typeOid, limit, mask, scan } = column;
  const type = classOf(typeOid);
  const readable = { encoding, textual: !binary || TEXTUAL.has(type) };
  const apply = (form: MaskForm, value: Buffer): Buffer | null =>
    binary ? maskBinary(form, value, typeOid, limit) : maskText(form, value, type, limit);
  if (mask !== null) {
    const instead: Treat = (value) => apply(mask.kind === 'null' ? mask : FULL, value);
    const treat: Treat = (value) => apply(mask, value);
    return { treat: converted(treat, instead, instead, readable), mayChange: always };
  }
  if (scan === null || scan.detectors.empty || type === 'uuid') return null;
  const { detectors, form } = scan;
  const treat: Treat = (value) =>
    binary ? scanBinary(scan, value, typeOid, limit) : scanText(scan, value, type, limit);
  // A number of the binary format is no text in any encoding.
  if (binary && type === 'number') return { treat, mayChange: always };
  const instead: Treat = (value) => apply(form.kind === 'null' ? form : FULL, value);
  const unreadable: Treat = (value) =>
    detectors.find(shown(value, encoding)).length === 0 ? value : instead(value);
  return {
    treat: converted(treat, unreadable, instead, readable),
    mayChange:
      encoding.utf8 && !binary ? (bytes, start, end) => detectors.mayContain(bytes, start, end) : always,
  };
}

/** Of the line with the columns' names: what is not the name of a masked column is a value of it. */
export function headerTreatment(
  { name, mask }: CopyColumn,
  treatment: Treatment | null,
  { codec }: CopyEncoding,
): Treatment | null {
  if (treatment === null || mask === null || name === null) return null;
  const ascii = isAscii(Buffer.from(name));
  const isName = (value: Buffer): boolean => {
    const text = codec.text(value);
    // Of another name in an encoding that cannot be read nothing more is known.
    return text === name || (text === null && !ascii);
  };
  return { treat: (value) => (isName(value) ? value : treatment.treat(value)), mayChange: always };
}

/**
 * Masking reads UTF-8: so a value has the same hash whatever the session's encoding is, and is never cut within a
 * character.
 * @param unreadable where it is not known what characters the bytes are
 * @param unwritable where the masked value has characters that this side cannot write in the encoding
 */
function converted(
  treat: Treat,
  unreadable: Treat,
  unwritable: Treat,
  { encoding, textual }: { readonly encoding: CopyEncoding; readonly textual: boolean },
): Treat {
  const { utf8, codec } = encoding;
  if (utf8) return treat;
  return (value) => {
    if (isAscii(value)) return treat(value);
    const text = textual ? codec.text(value) : null;
    if (text === null) return unreadable(value);
    const plain = Buffer.from(text);
    const masked = treat(plain);
    if (masked === plain) return value;
    if (masked === null || isAscii(masked)) return masked;
    const shown = masked.toString();
    const written = codec.bytes(shown);
    return codec.text(written) === shown ? written : unwritable(value);
  };
}

/** For detectors: what is not ASCII tells nothing. */
function shown(value: Buffer, { characterLength }: CopyEncoding): string {
  if (characterLength === null) return value.toString('latin1');
  let text = '';
  for (let at = 0; at < value.length; ) {
    const wide = (value[at] as number) >= 0x80;
    text += wide ? '\ufffd' : String.fromCharCode(value[at] as number);
    at += wide ? characterLength(value, at) : 1;
  }
  return text;
}
