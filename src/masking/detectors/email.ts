/**
 * E-mail addresses: a dot-atom or a quoted string, `@`, a domain of two labels or more whose last is letters, or an
 * address literal in brackets (RFC 5322 3.4.1, internationalised by RFC 6531). A last label of one letter counts
 * where no label before it has a digit, so `react@18.x` does not. Not taken: `user@host`, comments inside an address.
 * `git@host.example:path` and `user:password@db.example` are.
 *
 * Scripts that are written without spaces are taken for a part of it only where they stand right beside the `@`.
 */
import { isWord } from './chars.ts';
import type { Report } from './hit.ts';

/** RFC 5321 has 64 and 255; more of what is before the `@` is masked, in case. */
const MOST_LOCAL = 320;
const MOST_DOMAIN = 255;
const OTHER_LETTER = /[\p{L}\p{M}\p{N}]/u;
const UNSPACED =
  /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}\u3000-\u303f\uff00-\uffef]/u;
const LAST_LABEL = /^(?:xn--[a-z0-9-]+|[\p{L}\p{M}]+)$/iu;
const LITERAL = /\[(?:IPv6:[0-9a-f:.]{2,45}|\d{1,3}(?:\.\d{1,3}){3})\]/iy;
const QUOTE = 0x22;
const DOT = 0x2e;
const ATEXT = marks("!#$%&'*+-/=?^_`{|}~.");
const LABEL = marks('-.');

export function findEmails(text: string, report: Report): void {
  let from = 0;
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const end = domainEnd(text, at + 1);
    if (end < 0) continue;
    const start = localStart(text, at, from);
    if (start < 0) continue;
    report(start, end);
    from = end;
  }
}

/** ASCII letters, digits and these, by code. */
function marks(allowed: string): readonly boolean[] {
  return Array.from(
    { length: 0x80 },
    (_, code) => isWord(code) || allowed.includes(String.fromCharCode(code)),
  );
}

/** @returns where the local part that ends before `at` begins, not before `from`; -1 where there is none */
function localStart(text: string, at: number, from: number): number {
  const least = Math.max(from, at - MOST_LOCAL);
  if (text.charCodeAt(at - 1) === QUOTE) return quotedStart(text, at - 2, least);
  const unspaced = at > least && isUnspaced(codeBefore(text, at, least));
  let start = at;
  while (start > least) {
    const code = codeBefore(text, start, least);
    if (!isPart(code, ATEXT, unspaced)) break;
    start -= code > 0xffff ? 2 : 1;
  }
  while (start < at && text.charCodeAt(start) === DOT) start += 1;
  return start === at ? -1 : start;
}

function quotedStart(text: string, last: number, least: number): number {
  for (let start = last; start >= least; start--) {
    if (text[start] === '\n') return -1;
    if (text.charCodeAt(start) === QUOTE && text[start - 1] !== '\\') return start === last ? -1 : start;
  }
  return -1;
}

/** @returns where the domain that begins at `start` ends; -1 where there is none */
function domainEnd(text: string, start: number): number {
  if (text[start] === '[') {
    LITERAL.lastIndex = start;
    return LITERAL.test(text) ? LITERAL.lastIndex : -1;
  }
  const most = Math.min(text.length, start + MOST_DOMAIN);
  const unspaced = start < most && isUnspaced(text.codePointAt(start) as number);
  let end = start;
  while (end < most) {
    const code = text.codePointAt(end) as number;
    if (!isPart(code, LABEL, unspaced)) break;
    end += code > 0xffff ? 2 : 1;
  }
  return domainLength(text.slice(start, end), start);
}

/** Where as many labels end as make a domain: `example.com.` and `example.com-` end before the mark. */
function domainLength(run: string, start: number): number {
  const labels = run.split('.');
  let count = labels.findIndex((label) => label === '' || label.startsWith('-'));
  if (count < 0) count = labels.length;
  const digit = labels.findIndex((label) => /\d/.test(label));
  for (; count > 1; count--) {
    const last = (labels[count - 1] as string).replace(/-+$/, '');
    if (!LAST_LABEL.test(last) || (last.length === 1 && digit >= 0 && digit < count - 1)) continue;
    return start + labels.slice(0, count - 1).join('.').length + 1 + last.length;
  }
  return -1;
}

function isPart(code: number, ascii: readonly boolean[], unspaced: boolean): boolean {
  if (code < 0x80) return ascii[code] as boolean;
  const character = String.fromCodePoint(code);
  return OTHER_LETTER.test(character) && (unspaced || !UNSPACED.test(character));
}

function isUnspaced(code: number): boolean {
  return code >= 0x80 && UNSPACED.test(String.fromCodePoint(code));
}

function codeBefore(text: string, at: number, least: number): number {
  const pair = at - 2 >= least ? (text.codePointAt(at - 2) as number) : 0;
  return pair > 0xffff ? pair : text.charCodeAt(at - 1);
}
