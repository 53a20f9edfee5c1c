/** Values of the binary format (PostgreSQL's `…_send` functions) as the server itself would write them as text. */
import { numberText } from '../../../masking/number-text.ts';
import type { Encoding } from '../text.ts';

/** Object ids in pg_type.dat. */
const BOOL = 16;
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23, 26, 700, 701, 790, 1700]);
/** "char", name, text, json, xml, unknown, bpchar, varchar: their binary format is their text. */
const TEXTS: ReadonlySet<number> = new Set([18, 19, 25, 114, 142, 705, 1042, 1043]);
const OID = 26;
const UUID = 2950;
const JSONB = 3802;
const DATE = 1082;
const TIME = 1083;
const TIMESTAMP = 1114;
const TIMESTAMPTZ = 1184;

const DAY_MS = 86_400_000;
/** 2000-01-01: dates and times count from it. */
const EPOCH_MS = Date.UTC(2000, 0, 1);
const INFINITY_DATE = 0x7fffffff;
const INFINITY_TIME = 0x7fff_ffff_ffff_ffffn;
/** What `Date` can hold, in days from its own epoch. */
const MOST_DAYS = 100_000_000;

export function isNumeric(typeOid: number): boolean {
  return NUMBERS.has(typeOid);
}

/** @returns `\x…` where the type is not known here or the bytes are none of it */
export function binaryText(value: Buffer, typeOid: number, encoding: Encoding): string {
  return known(value, typeOid, encoding) ?? `\\x${value.toString('hex')}`;
}

function known(value: Buffer, typeOid: number, encoding: Encoding): string | null {
  if (TEXTS.has(typeOid)) return encoding.show(value);
  switch (typeOid) {
    case BOOL:
      return value.length === 1 ? (value[0] === 0 ? 'f' : 't') : null;
    case OID:
      return value.length === 4 ? String(value.readUInt32BE()) : null;
    case UUID:
      return value.length === 16
        ? value.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
        : null;
    case JSONB:
      return value[0] === 1 ? encoding.show(value.subarray(1)) : null;
    case DATE:
      return value.length === 4 ? dateText(value.readInt32BE()) : null;
    case TIME:
      return value.length === 8 ? timeText(value.readBigInt64BE()) : null;
    case TIMESTAMP:
      return value.length === 8 ? timestampText(value.readBigInt64BE(), '') : null;
    case TIMESTAMPTZ:
      return value.length === 8 ? timestampText(value.readBigInt64BE(), '+00') : null;
    default:
      return numberText(value, typeOid);
  }
}

function dateText(days: number): string | null {
  if (days === INFINITY_DATE) return 'infinity';
  if (days === -INFINITY_DATE - 1) return '-infinity';
  const since = days + EPOCH_MS / DAY_MS;
  if (Math.abs(since) > MOST_DAYS) return null;
  const date = new Date(since * DAY_MS);
  const year = date.getUTCFullYear();
  const shown = year > 0 ? year : 1 - year;
  const text = [String(shown).padStart(4, '0'), two(date.getUTCMonth() + 1), two(date.getUTCDate())];
  return `${text.join('-')}${year > 0 ? '' : ' BC'}`;
}

function timeText(micros: bigint): string | null {
  if (micros < 0n || micros > 86_400_000_000n) return null;
  const seconds = Number(micros / 1_000_000n);
  const part = String(Number(micros % 1_000_000n))
    .padStart(6, '0')
    .replace(/0+$/, '');
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':');
  return part === '' ? clock : `${clock}.${part}`;
}

function timestampText(micros: bigint, zone: string): string | null {
  if (micros === INFINITY_TIME) return 'infinity';
  if (micros === -INFINITY_TIME - 1n) return '-infinity';
  const day = 86_400_000_000n;
  const within = ((micros % day) + day) % day;
  const date = dateText(Number((micros - within) / day));
  const time = timeText(within);
  if (date === null || time === null) return null;
  const era = date.endsWith(' BC') ? ' BC' : '';
  return `${date.slice(0, date.length - era.length)} ${time}${zone}${era}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
