/**
 * Client encodings (PostgreSQL 18 manual, 23.3.1) as text and back. A statement's text has to be what the server
 * reads, so it is exact or absent: no replaced characters, and a byte-order mark stays.
 *
 * Every sequence of one and two bytes, and of three in EUC_JP, was compared with PostgreSQL 15's conversion. Where
 * Node reads other characters the text is absent. UHC, BIG5 and GB18030 are left out: Node ends UHC's characters
 * elsewhere (0x81 0x41 holds an `A` for it), the others differ in many. Node has no JOHAB, EUC_TW, MULE_INTERNAL and
 * 2004 forms. Of all these only ASCII is text, which the server reads as such in every encoding.
 */
import { isAscii } from 'node:buffer';

export interface Encoding {
  /** PostgreSQL's name: `UTF8`, `LATIN1`. */
  readonly name: string;
  /** Null where the bytes are none of this encoding, or not surely what the server reads. */
  text(bytes: Buffer): string | null;
  /** For people: what cannot be read becomes U+FFFD. */
  show(bytes: Buffer): string;
  /** What this encoding lacks, or Node cannot write in it, becomes `?`. */
  bytes(text: string): Buffer;
}

const NOT_ASCII = /[^\0-\x7f]/gu;
const NOT_LATIN1 = /[^\0-\xff]/gu;

interface Known {
  readonly label: string;
  /** Characters that PostgreSQL reads from other bytes, or other characters from these. */
  readonly doubtful?: RegExp;
}

const KNOWN: Readonly<Record<string, Known>> = {
  EUC_CN: { label: 'gbk', doubtful: /[·—]/u },
  EUC_JP: { label: 'euc-jp', doubtful: /¦/u },
  EUC_KR: { label: 'euc-kr' },
  GBK: { label: 'gbk' },
  ISO_8859_5: { label: 'iso-8859-5' },
  ISO_8859_6: { label: 'iso-8859-6' },
  ISO_8859_7: { label: 'iso-8859-7' },
  ISO_8859_8: { label: 'iso-8859-8' },
  KOI8R: { label: 'koi8-r' },
  KOI8U: { label: 'koi8-u', doubtful: /[Ўў]/u },
  LATIN2: { label: 'iso-8859-2' },
  LATIN3: { label: 'iso-8859-3' },
  LATIN4: { label: 'iso-8859-4' },
  LATIN5: { label: 'iso-8859-9', doubtful: /[^\0-\xffĞİŞğış]/u },
  LATIN6: { label: 'iso-8859-10' },
  LATIN7: { label: 'iso-8859-13' },
  LATIN8: { label: 'iso-8859-14' },
  LATIN9: { label: 'iso-8859-15' },
  LATIN10: { label: 'iso-8859-16' },
  SJIS: { label: 'shift_jis', doubtful: /(?![\t-\r])\p{Cc}/u },
  WIN866: { label: 'ibm866' },
  WIN874: { label: 'windows-874' },
  WIN1250: { label: 'windows-1250' },
  WIN1251: { label: 'windows-1251' },
  WIN1252: { label: 'windows-1252' },
  WIN1253: { label: 'windows-1253' },
  WIN1254: { label: 'windows-1254' },
  WIN1255: { label: 'windows-1255' },
  WIN1256: { label: 'windows-1256' },
  WIN1257: { label: 'windows-1257' },
  WIN1258: { label: 'windows-1258' },
};

export const UTF8: Encoding = Object.freeze({
  name: 'UTF8',
  text: exact({ label: 'utf-8' }),
  show: (bytes: Buffer) => bytes.toString('utf8'),
  bytes: (text: string) => Buffer.from(text, 'utf8'),
});

const made = new Map<string, Encoding>([
  ['UTF8', UTF8],
  // The server converts nothing then: the bytes are the database's own encoding, nearly always UTF-8.
  ['SQL_ASCII', Object.freeze({ ...UTF8, name: 'SQL_ASCII' })],
  [
    'LATIN1',
    Object.freeze({
      name: 'LATIN1',
      text: (bytes: Buffer) => bytes.toString('latin1'),
      show: (bytes: Buffer) => bytes.toString('latin1'),
      bytes: (text: string) => Buffer.from(text.replace(NOT_LATIN1, '?'), 'latin1'),
    }),
  ],
]);

/**
 * @param name the value of the ParameterStatus `client_encoding`, which is PostgreSQL's own spelling
 * @returns for a name that is not known: an encoding of which only ASCII is text
 */
export function clientEncoding(name: string): Encoding {
  const before = made.get(name);
  if (before !== undefined) return before;
  const known = Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined;
  if (known === undefined) return { name, text: asciiText, show: showAscii, bytes: toAscii };
  const lossy = new TextDecoder(known.label, { ignoreBOM: true });
  const show = (bytes: Buffer): string => lossy.decode(bytes);
  const encoding = Object.freeze({ name, text: exact(known), show, bytes: toAscii });
  made.set(name, encoding);
  return encoding;
}

function exact({ label, doubtful }: Known): Encoding['text'] {
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
  return (bytes) => {
    try {
      const text = decoder.decode(bytes);
      return doubtful?.test(text) ? null : text;
    } catch {
      return null;
    }
  };
}

function asciiText(bytes: Buffer): string | null {
  return isAscii(bytes) ? bytes.toString('latin1') : null;
}

function showAscii(bytes: Buffer): string {
  return bytes.toString('latin1').replace(NOT_ASCII, '\ufffd');
}

function toAscii(text: string): Buffer {
  return Buffer.from(text.replace(NOT_ASCII, '?'), 'latin1');
}
