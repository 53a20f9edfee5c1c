/** Numbers of the binary format as the text that detectors read. */

const NUMERIC_GROUP = 4;
const NUMERIC_HEADER = 8;
const NUMERIC_NEGATIVE = 0x4000;
const NUMERIC_POSITIVE = 0;
/** Groups of four digits before the point: beyond it nothing is a number that anybody has. */
const MOST_WEIGHT = 250;

/** @returns null where the bytes are no such number; NaN and infinities are their names */
export function numberText(value: Buffer, typeOid: number): string | null {
  switch (typeOid) {
    case 20:
      return value.length === 8 ? value.readBigInt64BE().toString() : null;
    case 21:
      return value.length === 2 ? value.readInt16BE().toString() : null;
    case 23:
      return value.length === 4 ? value.readInt32BE().toString() : null;
    case 700:
      return value.length === 4 ? value.readFloatBE().toString() : null;
    case 701:
      return value.length === 8 ? value.readDoubleBE().toString() : null;
    case 1700:
      return numericText(value);
    default:
      return null;
  }
}

/**
 * numeric_send in PostgreSQL's numeric.c: Int16 groups, weight of the first, sign, digits after the point, then
 * groups of four decimal digits, of which the nth counts for 10000^(weight - n).
 */
function numericText(value: Buffer): string | null {
  if (value.length < NUMERIC_HEADER) return null;
  const groups = value.readUInt16BE(0);
  const weight = value.readInt16BE(2);
  const sign = value.readUInt16BE(4);
  const scale = value.readUInt16BE(6);
  if (value.length !== NUMERIC_HEADER + 2 * groups || Math.abs(weight) > MOST_WEIGHT) return null;
  if (sign !== NUMERIC_POSITIVE && sign !== NUMERIC_NEGATIVE) return groups === 0 ? 'NaN' : null;
  let whole = '';
  let fraction = '';
  for (let power = Math.max(weight, 0); power >= 0; power--) whole += group(value, groups, weight - power);
  for (let power = -1; power > weight - groups; power--) fraction += group(value, groups, weight - power);
  const text = (sign === NUMERIC_NEGATIVE ? '-' : '') + whole.replace(/^0+(?=\d)/, '');
  return scale === 0 ? text : `${text}.${fraction.slice(0, scale).padEnd(scale, '0')}`;
}

function group(value: Buffer, groups: number, n: number): string {
  const digits = n >= 0 && n < groups ? value.readUInt16BE(NUMERIC_HEADER + 2 * n) : 0;
  return String(digits).padStart(NUMERIC_GROUP, '0');
}
