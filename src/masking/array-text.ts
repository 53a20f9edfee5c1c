/** Arrays in the text format: PostgreSQL 18 manual, 8.15.6, as array_out writes them, with `,` between elements. */
import { Sink } from './sink.ts';

const OPEN = 0x7b;
const CLOSE = 0x7d;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** MAXDIM. */
const DEEPEST = 6;
/** `[0:1][-3:2]=`: bounds where a dimension does not begin at 1. */
const BOUNDS = /^(?:\[-?\d{1,10}:-?\d{1,10}\]){1,6}=/;
const LONGEST_BOUNDS = DEEPEST * 26 + 1;

/** What elements become. The Buffer is only valid until it returns; null gives the whole array up. */
export type MapElement = (element: Buffer) => Buffer | null;

/**
 * Every element that is not NULL replaced, structure and bounds kept.
 * @returns null where an element gives up, or the bytes are not an array as the server writes it
 */
export function mapArrayText(value: Buffer, map: MapElement): Buffer | null {
  const start = value[0] === 0x5b ? boundsLength(value) : 0;
  if (start < 0 || value[start] !== OPEN) return null;
  const out = new Sink(value.length);
  out.copy(value, 0, start);
  let depth = 0;
  let at = start;
  /** Whether an element or `{` may come here, or only what follows one. */
  let expects = true;
  do {
    const byte = value[at];
    if (byte === undefined) return null;
    if (byte === OPEN) {
      if (!expects || depth === DEEPEST) return null;
      depth += 1;
      at += 1;
      out.byte(OPEN);
      if (value[at] === CLOSE) expects = false;
    } else if (byte === CLOSE) {
      if (expects) return null;
      depth -= 1;
      at += 1;
      out.byte(CLOSE);
    } else if (byte === COMMA) {
      if (expects) return null;
      expects = true;
      at += 1;
      out.byte(COMMA);
    } else {
      if (!expects) return null;
      expects = false;
      const end = byte === QUOTE ? quotedEnd(value, at) : bareEnd(value, at);
      if (end < 0) return null;
      if (byte !== QUOTE && isNull(value, at, end)) out.copy(value, at, end);
      else {
        const masked = map(byte === QUOTE ? unquoted(value, at + 1, end - 1) : value.subarray(at, end));
        if (masked === null) return null;
        put(out, masked);
      }
      at = end;
    }
  } while (depth > 0);
  return at === value.length ? out.take() : null;
}

function boundsLength(value: Buffer): number {
  const bounds = BOUNDS.exec(value.toString('latin1', 0, LONGEST_BOUNDS));
  return bounds === null ? -1 : bounds[0].length;
}

/** @returns after the closing quote, or -1 */
function quotedEnd(value: Buffer, start: number): number {
  for (let at = start + 1; at < value.length; at++) {
    if (value[at] === BACKSLASH) at += 1;
    else if (value[at] === QUOTE) return at + 1;
  }
  return -1;
}

/** @returns where an element without quotes ends, or -1 where it has what the server would have quoted */
function bareEnd(value: Buffer, start: number): number {
  for (let at = start; at < value.length; at++) {
    const byte = value[at];
    if (byte === COMMA || byte === CLOSE) return at;
    if (byte === OPEN || byte === QUOTE || byte === BACKSLASH || isSpace(byte)) return -1;
  }
  return -1;
}

function unquoted(value: Buffer, start: number, end: number): Buffer {
  const inner = value.subarray(start, end);
  if (!inner.includes(BACKSLASH)) return inner;
  const plain = Buffer.allocUnsafe(inner.length);
  let length = 0;
  for (let at = 0; at < inner.length; at++) {
    if (inner[at] === BACKSLASH) at += 1;
    plain[length++] = inner[at] as number;
  }
  return plain.subarray(0, length);
}

/** `NULL` in any case, without quotes. */
function isNull(value: Buffer, start: number, end: number): boolean {
  return end - start === 4 && value.toString('latin1', start, end).toUpperCase() === 'NULL';
}

/** array_isspace. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || (byte !== undefined && byte >= 0x09 && byte <= 0x0d);
}

function put(out: Sink, element: Buffer): void {
  if (!needsQuotes(element)) {
    out.copy(element);
    return;
  }
  out.byte(QUOTE);
  for (let at = 0; at < element.length; at++) {
    const byte = element[at] as number;
    if (byte === QUOTE || byte === BACKSLASH) out.byte(BACKSLASH);
    out.byte(byte);
  }
  out.byte(QUOTE);
}

function needsQuotes(element: Buffer): boolean {
  if (element.length === 0 || isNull(element, 0, element.length)) return true;
  for (let at = 0; at < element.length; at++) {
    const byte = element[at] as number;
    if (byte === OPEN || byte === CLOSE || byte === COMMA || byte === QUOTE || byte === BACKSLASH)
      return true;
    if (isSpace(byte)) return true;
  }
  return false;
}
