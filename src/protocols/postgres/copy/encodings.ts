/**
 * Encodings of a copy: their names as ENCODING takes them, and where a byte of a character may look like ASCII
 * (PostgreSQL 18 manual, 23.3.1 Supported Character Sets; encnames.c, wchar.c).
 */
import { clientEncoding, type Encoding } from '../text.ts';

/** How many bytes the character that begins at `at` has. */
export type CharacterLength = (bytes: Buffer, at: number) => number;

export interface CopyEncoding {
  readonly codec: Encoding;
  /** The bytes are UTF-8, or are taken for it where the server converts nothing. */
  readonly utf8: boolean;
  /** Null where every byte below 0x80 is a character by itself. Only for bytes of 0x80 and above. */
  readonly characterLength: CharacterLength | null;
}

/** Clients' encodings whose characters end in bytes of 0x30 and above, which may be ASCII. */
export const LEAST_TRAIL = 0x30;

const two: CharacterLength = () => 2;
/** 0xa1 to 0xdf are half-width katakana. */
const sjis: CharacterLength = (bytes, at) => {
  const lead = bytes[at] as number;
  return lead >= 0xa1 && lead <= 0xdf ? 1 : 2;
};
const gb18030: CharacterLength = (bytes, at) => {
  const second = bytes[at + 1] ?? 0;
  return second >= 0x30 && second <= 0x39 ? 4 : 2;
};

const EMBEDDING: Readonly<Record<string, CharacterLength>> = {
  BIG5: two,
  GB18030: gb18030,
  GBK: two,
  SHIFT_JIS_2004: sjis,
  SJIS: sjis,
  UHC: two,
};

/** Every byte below 0x80 is ASCII: these can be a server's own encoding. */
const PLAIN = [
  ...['EUC_CN', 'EUC_JIS_2004', 'EUC_JP', 'EUC_KR', 'EUC_TW', 'ISO_8859_5', 'ISO_8859_6', 'ISO_8859_7'],
  ...['ISO_8859_8', 'KOI8R', 'KOI8U', 'LATIN1', 'LATIN10', 'LATIN2', 'LATIN3', 'LATIN4', 'LATIN5', 'LATIN6'],
  ...['LATIN7', 'LATIN8', 'LATIN9', 'MULE_INTERNAL', 'SQL_ASCII', 'UTF8', 'WIN1250', 'WIN1251', 'WIN1252'],
  ...['WIN1253', 'WIN1254', 'WIN1255', 'WIN1256', 'WIN1257', 'WIN1258', 'WIN866', 'WIN874'],
];

/** Other names, as letters and digits in lower case. */
const ALIASES: Readonly<Record<string, string>> = {
  abc: 'WIN1258',
  alt: 'WIN866',
  iso88591: 'LATIN1',
  iso885910: 'LATIN6',
  iso885913: 'LATIN7',
  iso885914: 'LATIN8',
  iso885915: 'LATIN9',
  iso885916: 'LATIN10',
  iso88592: 'LATIN2',
  iso88593: 'LATIN3',
  iso88594: 'LATIN4',
  iso88599: 'LATIN5',
  koi8: 'KOI8R',
  mskanji: 'SJIS',
  shiftjis: 'SJIS',
  tcvn: 'WIN1258',
  tcvn5712: 'WIN1258',
  unicode: 'UTF8',
  vscii: 'WIN1258',
  win: 'WIN1251',
  win932: 'SJIS',
  win936: 'GBK',
  win949: 'UHC',
  win950: 'BIG5',
};

const NAMES = new Map(Object.entries(ALIASES));
for (const name of [...PLAIN, ...Object.keys(EMBEDDING)]) NAMES.set(clean(name), name);

/** NAMEDATALEN - 1: a longer name is refused. */
const LONGEST_NAME = 63;

function clean(name: string): string {
  return name.replace(/[^A-Za-z0-9]/g, '').toLowerCase();
}

/**
 * PostgreSQL's own spelling of a name that ENCODING or client_encoding takes; null where it is none, or one that is
 * not known here (JOHAB, whose characters the server itself cuts in other places than its clients).
 */
export function encodingName(name: string): string | null {
  if (Buffer.byteLength(name) > LONGEST_NAME) return null;
  const cleaned = clean(name);
  return NAMES.get(cleaned) ?? NAMES.get(cleaned.replace(/^windows(?=\d)/, 'win')) ?? null;
}

/** @param name as `encodingName` gives it */
export function copyEncoding(name: string): CopyEncoding {
  return {
    codec: clientEncoding(name),
    utf8: name === 'UTF8' || name === 'SQL_ASCII',
    characterLength: Object.hasOwn(EMBEDDING, name) ? (EMBEDDING[name] ?? null) : null,
  };
}
