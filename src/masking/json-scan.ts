/** Finds and masks within a JSON document, which stays one. */
import type { Detectors } from './detectors/detectors.ts';
import type { Hit } from './detectors/hit.ts';
import type { MaskForm } from './forms.ts';

const NUMBER = /-?\d[\d.eE+-]*/y;
const MASKED = '"***"';
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;

/**
 * Strings, names among them, are looked into as the text that they stand for, whatever is escaped in them, and masked
 * within. A number in which anything is found becomes `"***"`, as does a string in which something is found only
 * together with what is round it.
 * @returns the same text where nothing is found; null where a hit's form is `null`, or the text is no JSON
 */
export function maskInJson(detectors: Detectors, text: string, form: MaskForm): string | null {
  const around = detectors.find(text);
  if (detectors.isNulled(around, form)) return null;
  let next = 0;
  let masked = '';
  let from = 0;
  for (let at = 0; at < text.length; ) {
    const end = tokenEnd(text, at);
    if (end < 0) return null;
    if (end === at) {
      at += 1;
      continue;
    }
    while (next < around.length && (around[next] as Hit).end <= at) next += 1;
    const touched = next < around.length && (around[next] as Hit).start < end;
    const token = text.slice(at, end);
    const shown = maskToken(detectors, token, form, touched);
    if (shown === null) return null;
    if (shown !== token) {
      masked += text.slice(from, at) + shown;
      from = end;
    }
    at = end;
  }
  return from === 0 ? text : masked + text.slice(from);
}

/** @returns where the string or number at `start` ends; `start` where there is none, -1 where a string does not end */
function tokenEnd(text: string, start: number): number {
  const code = text.charCodeAt(start);
  if (code === QUOTE) {
    for (let at = start + 1; at < text.length; at++) {
      if (text.charCodeAt(at) === BACKSLASH) at += 1;
      else if (text.charCodeAt(at) === QUOTE) return at + 1;
    }
    return -1;
  }
  if (code !== MINUS && (code < 0x30 || code > 0x39)) return start;
  NUMBER.lastIndex = start;
  return NUMBER.test(text) ? NUMBER.lastIndex : start;
}

function maskToken(detectors: Detectors, token: string, form: MaskForm, touched: boolean): string | null {
  const plain = token.charCodeAt(0) === QUOTE ? textOf(token) : token;
  if (plain === null) return null;
  const hits = detectors.find(plain);
  if (detectors.isNulled(hits, form)) return null;
  if (hits.length === 0) return touched ? MASKED : token;
  return plain === token ? MASKED : JSON.stringify(detectors.maskHits(plain, hits, form));
}

function textOf(token: string): string | null {
  if (!token.includes('\\')) return token.slice(1, -1);
  try {
    const text: unknown = JSON.parse(token);
    return typeof text === 'string' ? text : null;
  } catch {
    return null;
  }
}
