/**
 * Messages that cannot be read for certain. What they say depends on client_encoding, and on
 * standard_conforming_strings. The server reads each message by the settings that hold when it comes to it, and tells
 * of others only before ReadyForQuery (since version 14).
 *
 * Threat: a client that sends a message right behind one that changes such a setting, or behind its startup packet,
 * has it read here by the old setting and there by the new one. In SJIS the bytes of `表'` end in a backslash and a
 * quote, in which one of the two sees the end of a literal.
 */
import { isAscii } from 'node:buffer';
import { ProtocolError } from './errors.ts';
import { Frontend, type Text } from './messages.ts';
import { notUnderstood, type Statement } from './sql/statement.ts';
import type { Encoding } from './text.ts';

const HEADER = 5;
const BACKSLASH = 0x5c;
/** Names and texts that a message begins with, and what comes before them. */
const STRINGS = new Map<number, readonly [count: number, before: number]>([
  [Frontend.Query, [1, 0]],
  [Frontend.Parse, [2, 0]],
  [Frontend.Bind, [2, 0]],
  [Frontend.Execute, [1, 0]],
  [Frontend.Describe, [1, 1]],
  [Frontend.Close, [1, 1]],
]);

/** Whether settings decide what names and texts of the message are. */
export function depends(type: number, message: Buffer): boolean {
  const [count, before] = STRINGS.get(type) ?? [0, 0];
  let end = HEADER + before;
  for (let n = 0; n < count && end < message.length; n += 1) {
    const terminator = message.indexOf(0, end);
    end = terminator < 0 ? message.length : terminator + 1;
  }
  const strings = message.subarray(HEADER, end);
  return !isAscii(strings) || strings.includes(BACKSLASH);
}

/** @throws ProtocolError where settings that may be changing decide which one is named */
export function settledName(name: string): string {
  if (isAscii(Buffer.from(name))) return name;
  throw new ProtocolError('order', 'a name', 'beyond ASCII, while client_encoding may be changing');
}

/** A text of which nobody knows for certain what it says, as a statement; null where it can be read. */
export function unreadable(
  { text, bytes }: Text,
  encoding: Encoding,
  settled: boolean,
): readonly Statement[] | null {
  if (!settled && !isAscii(bytes))
    return [notUnderstood(encoding.show(bytes), 'beyond ASCII, while client_encoding may be changing')];
  if (text !== null) return null;
  const reason = `is no text in ${encoding.name}, the session's client_encoding`;
  return [notUnderstood(encoding.show(bytes), reason)];
}

/** Verbs of statements that run nothing of the database's own. */
const SETTLED: ReadonlySet<string> = new Set(['show', 'listen', 'unlisten', 'notify', 'deallocate', 'close']);

/** Whether settings may be others after these: anything that calls functions, operators or triggers may set them. */
export function unsettles(statements: readonly Statement[]): boolean {
  return !statements.every(
    ({ verb, known, transaction }) =>
      known &&
      (SETTLED.has(verb) ||
        transaction === 'begin' ||
        transaction === 'savepoint' ||
        transaction === 'release'),
  );
}
