/** A message → its statements, by the parser alone: nothing remembered. */
import { describe } from './describe.ts';
import { brief } from './found.ts';
import { escapesDiffer, lastTokenEnd } from './lexer.ts';
import { Offsets } from './offsets.ts';
import { MOST_BYTES, parse } from './parse.ts';
import { type Analysis, notUnderstood, type Statement } from './statement.ts';

export interface Reading {
  /** What is longer in UTF-8 is not parsed; MOST_BYTES by default. */
  readonly mostBytes?: number;
  /**
   * The session's setting, on by default. Off, a backslash escapes in plain '…' literals, which the parser does not
   * do: a text with a backslash in such a literal is then `unknown`.
   */
  readonly standardConformingStrings?: boolean;
}

export interface Fresh {
  readonly analysis: Analysis;
  /** The same text with other literals could be analysed otherwise. */
  readonly literal: boolean;
}

const whole = (sql: string, reason: string, error: Analysis['error'] = null): Fresh => ({
  analysis: { statements: [notUnderstood(sql, reason)], error, normalised: null },
  literal: true,
});

/** Never throws on account of the text. `normalised` is left null. */
export function analyseText(sql: string, reading: Reading = {}): Fresh {
  const { mostBytes = MOST_BYTES, standardConformingStrings = true } = reading;
  if (!standardConformingStrings && sql.length <= mostBytes && escapesDiffer(sql))
    return whole(sql, 'a backslash in a plain string while standard_conforming_strings is off');
  const { tree, error } = parse(sql, mostBytes);
  if (error !== null) {
    const { message, cursor, syntax } = error;
    return syntax ? whole(sql, `parser failed: ${brief(message)}`, { message, cursor }) : whole(sql, message);
  }
  const offsets = new Offsets(sql);
  let literal = false;
  const statements: Statement[] = [];
  for (const { stmt, stmt_location = 0, stmt_len } of tree.stmts ?? []) {
    if (stmt === undefined) continue;
    const start = offsets.index(stmt_location);
    const end = stmt_len === undefined ? sql.length : offsets.index(stmt_location + stmt_len);
    const text = sql.slice(start, lastTokenEnd(sql, start, end));
    try {
      const { statement, found } = describe(stmt, { text, start }, standardConformingStrings);
      statements.push(statement);
      literal ||= found.literal;
    } catch (thrown) {
      if (!(thrown instanceof RangeError)) throw thrown;
      statements.push(notUnderstood(text, 'nested too deeply', start));
      literal = true;
    }
  }
  return { analysis: { statements, error: null, normalised: null }, literal };
}
