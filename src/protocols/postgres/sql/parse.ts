/**
 * SQL text → PostgreSQL's raw parse tree (the grammar of PostgreSQL 18, `src/backend/parser/gram.y`), synchronously,
 * for any text whatever: what can't be parsed is an `error`, never an exception.
 *
 * The tree's locations are bytes of UTF-8; `offsets.ts` turns them into indexes of the string. Names in it are
 * folded and cut (63 bytes) as the server does. The parser reads strings with `standard_conforming_strings` on:
 * where the session has it off, a backslash in a plain '…' literal means something else to the server (`lexer.ts`
 * finds those).
 */
import type { ParseResult } from '@pgsql/types';
import { expands, scannable } from './cost.ts';
import { withoutComments } from './lexer.ts';
import { Offsets } from './offsets.ts';
import { loadWasm, type Outcome, ParserTrap, parsePlpgsqlRaw, parseRaw } from './wasm.ts';

/** 256 KiB take 100 to 300 ms, in which the worker serves nobody else. */
export const MOST_BYTES = 256 * 1024;

/**
 * How deep a tree's objects and arrays may lie in one another: a walk through it by recursion has to fit the stack.
 * A chain of 1,000 `||` is as deep as this, one of AND or OR is flat, a subquery costs about 8.
 */
export const MOST_DEPTH = 2000;

export interface ParseError {
  /** PostgreSQL's own words, or why there was no parsing. */
  readonly message: string;
  /** Where, as an index into the text (UTF-16); 0 where that is not known. */
  readonly cursor: number;
  /** The grammar refuses it, so a server of the same version will too. False: nothing is known about the text. */
  readonly syntax: boolean;
}

export type Parsed =
  | { readonly tree: ParseResult; readonly error: null }
  | { readonly tree: null; readonly error: ParseError };

/** Makes `parse` usable: once in a process, before the first statement (about 20 ms). */
export async function loadParser(): Promise<void> {
  await loadWasm();
}

/**
 * The index in `sql` of PostgreSQL's 1-based position in characters.
 * @param text what was parsed: with the same bytes but for comments
 */
function indexOf(sql: string, text: string, position: number): number {
  let index = 0;
  for (let at = 1; at < position && index < text.length; at++)
    index += (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
  return text === sql ? index : new Offsets(sql).index(Buffer.byteLength(text.slice(0, index)));
}

const refuse = (message: string, syntax = false, cursor = 0) => ({
  tree: null,
  error: { message, cursor, syntax },
});

/** The tree is deeper than MOST_DEPTH. */
function tooDeep(json: string): boolean {
  if (json.length < 8 * MOST_DEPTH) return false;
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < json.length; at++) {
    const char = json.charCodeAt(at);
    if (quoted) {
      if (char === 0x5c) at++;
      else if (char === 0x22) quoted = false;
    } else if (char === 0x22) quoted = true;
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > MOST_DEPTH) return true;
    } else if (char === 0x7d || char === 0x5d) depth--;
  }
  return false;
}

/**
 * libpg-query's scanner hands comments to the grammar's look-ahead, which PostgreSQL's does not: it refuses a
 * comment inside WITH ORDINALITY, NOT IN, NULLS FIRST, WITH TIME ZONE, U&'…' UESCAPE. So what it refuses is tried
 * without comments.
 */
function attempted(sql: string, call: (sql: string) => Outcome): Outcome {
  const outcome = call(sql);
  if (outcome.message === null) return outcome;
  const blank = withoutComments(sql);
  if (blank === null || blank === sql) return outcome;
  const again = call(blank);
  return again.message === null ? again : outcome;
}

function attempt<T>(
  sql: string,
  mostBytes: number,
  call: (sql: string) => Outcome,
): { readonly tree: T; readonly error: null } | { readonly tree: null; readonly error: ParseError } {
  if (sql.length > mostBytes || Buffer.byteLength(sql) > mostBytes)
    return refuse(`longer than ${mostBytes} bytes`);
  const nul = sql.indexOf('\0');
  if (nul >= 0) return refuse('a NUL character', false, nul);
  if (!sql.isWellFormed()) return refuse('half of a surrogate pair');
  if (expands(sql)) return refuse('its tree is too large');
  const text = scannable(sql);
  if (text === null) return refuse('more comments or longer operators than can be read in time');
  try {
    const outcome = attempted(text, call);
    if (outcome.message !== null) return refuse(outcome.message, true, indexOf(sql, text, outcome.position));
    if (tooDeep(outcome.json)) return refuse('nested too deeply');
    return { tree: JSON.parse(outcome.json) as T, error: null };
  } catch (error) {
    if (error instanceof ParserTrap) return refuse(error.message);
    throw error;
  }
}

/**
 * Every statement of a message (its `stmts` may be empty). Takes 10 to 60 µs for usual ones.
 * @param mostBytes what is longer in UTF-8 is not parsed
 * @throws Error before `loadParser`
 */
export function parse(sql: string, mostBytes: number = MOST_BYTES): Parsed {
  return attempt<ParseResult>(sql, mostBytes, parseRaw);
}

/**
 * The body of a PL/pgSQL function.
 * @param sql the whole CREATE FUNCTION, CREATE PROCEDURE or DO
 */
export function parsePlpgsql(
  sql: string,
  mostBytes: number = MOST_BYTES,
): { readonly tree: unknown; readonly error: ParseError | null } {
  return attempt<unknown>(sql, mostBytes, parsePlpgsqlRaw);
}
