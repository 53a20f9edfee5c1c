/**
 * Masks what detectors find in the value of a result column, so that what comes out is valid for the column's type.
 *
 * In text-like types every hit is masked where it stands; in an xml, which markup could make part of a name, the
 * whole value is. A number, or a value of a type that is not known, becomes NULL when anything is found in it. Not
 * looked into: uuid, and in the binary format types whose bytes are not text (dates, addresses …).
 */
import { isUtf8 } from 'node:buffer';
import { mapArrayBinary } from './array-binary.ts';
import { mapArrayText } from './array-text.ts';
import { type Detectors, SCAN_LIMIT } from './detectors/detectors.ts';
import { FULL, type MaskForm } from './forms.ts';
import { maskInJson } from './json-scan.ts';
import { maskBinary, maskText } from './mask.ts';
import { numberText } from './number-text.ts';
import { fit, fitName, pad } from './scalar.ts';
import { STARS } from './stars.ts';
import { classOf, elementClass, elementOid, type ScalarClass, type TypeClass } from './types.ts';

const JSONB_VERSION = 1;
const INT2 = 21;
const INT4 = 23;
const INT8 = 20;

/** One column's detectors, and how their hits are masked. */
export interface Scan {
  readonly detectors: Detectors;
  /** Of built-in detectors' hits; a pattern of the configuration has its own. */
  readonly form: MaskForm;
}

/**
 * @param value in the text format, not NULL
 * @param limit of varchar(n) and character(n) in characters (`lengthLimit`), -1 is none
 * @returns `value` itself where nothing is found, null for NULL; possibly a shared Buffer: it must not be written to
 */
export function scanText(scan: Scan, value: Buffer, type: TypeClass, limit = -1): Buffer | null {
  const element = elementClass(type);
  const scalar = element ?? (type as ScalarClass);
  if (scalar === 'uuid' || !mayContain(scan, value, scalar)) return value;
  if (value.length > SCAN_LIMIT) return maskText(instead(scan), value, type, limit);
  if (element === null) return scanScalar(scan, value, scalar, limit);
  let changed = false;
  const masked = mapArrayText(value, (item) => {
    const shown = scanScalar(scan, item, element, limit);
    changed ||= shown !== item;
    return shown;
  });
  return changed || masked === null ? masked : value;
}

/** As `scanText`, for a value in the binary format. */
export function scanBinary(scan: Scan, value: Buffer, typeOid: number, limit = -1): Buffer | null {
  const type = classOf(typeOid);
  const element = elementClass(type);
  const scalar = element ?? (type as ScalarClass);
  if (scalar === 'uuid') return value;
  if (scalar !== 'number') {
    if (!mayContain(scan, value, scalar)) return value;
    if (value.length > SCAN_LIMIT) return maskBinary(instead(scan), value, typeOid, limit);
  }
  if (element === null) return scanScalarBinary(scan, value, scalar, typeOid, limit);
  const oid = elementOid(typeOid) ?? 0;
  let changed = false;
  const masked = mapArrayBinary(value, oid, (item) => {
    const shown = scanScalarBinary(scan, item, element, oid, limit);
    changed ||= shown !== item;
    return shown;
  });
  return changed || masked === null ? masked : value;
}

/** JSON may write any character as `\u0040`, which the prefilter does not read. */
function mayContain({ detectors }: Scan, value: Buffer, type: ScalarClass): boolean {
  if (detectors.empty) return false;
  return detectors.mayContain(value) || ((type === 'json' || type === 'jsonb') && value.includes('\\u'));
}

/** What a value is masked with that is too long to look into. */
function instead({ form }: Scan): MaskForm {
  return form.kind === 'null' ? form : FULL;
}

function scanScalarBinary(
  scan: Scan,
  value: Buffer,
  type: ScalarClass,
  typeOid: number,
  limit: number,
): Buffer | null {
  if (type === 'number') return scanNumber(scan, value, typeOid);
  if (type !== 'jsonb') return scanScalar(scan, value, type, limit);
  if (value[0] !== JSONB_VERSION) return null;
  const json = value.subarray(1);
  const masked = scanScalar(scan, json, type, limit);
  if (masked === json) return value;
  return masked === null ? null : Buffer.concat([value.subarray(0, 1), masked]);
}

function scanNumber({ detectors }: Scan, value: Buffer, typeOid: number): Buffer | null {
  if (detectors.empty || (!detectors.hasPatterns && isShort(value, typeOid))) return value;
  const text = numberText(value, typeOid);
  return text === null || detectors.find(text).length > 0 ? null : value;
}

/** Integers of at most ten digits, in which no detector finds anything by itself. */
function isShort(value: Buffer, typeOid: number): boolean {
  if (typeOid === INT2 || typeOid === INT4) return true;
  if (typeOid !== INT8 || value.length !== 8) return false;
  const high = value.readInt32BE(0);
  return high === 0 || high === -1;
}

function scanScalar(
  { detectors, form }: Scan,
  value: Buffer,
  type: ScalarClass,
  limit: number,
): Buffer | null {
  // Bytes of another encoding become one character each, and the same bytes again.
  const encoding = isUtf8(value) ? 'utf8' : 'latin1';
  const text = value.toString(encoding);
  if (type === 'json' || type === 'jsonb') {
    const masked = maskInJson(detectors, text, form);
    return masked === text ? value : masked === null ? null : Buffer.from(masked, encoding);
  }
  const hits = detectors.find(text);
  if (hits.length === 0) return value;
  if (type === 'number' || type === 'other' || detectors.isNulled(hits, form)) return null;
  if (type === 'xml') return STARS;
  const masked = Buffer.from(detectors.maskHits(text, hits, form), encoding);
  if (type === 'char') return masked.subarray(0, 1);
  if (type === 'name') return fitName(masked);
  return type === 'bpchar' ? pad(fit(masked, limit), limit) : fit(masked, limit);
}
