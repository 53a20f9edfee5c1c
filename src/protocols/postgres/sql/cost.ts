/**
 * Texts that cost the parser far more than their length, each known by looking at its tokens.
 *
 * Threats, measured with 200 kB: 100,000 times `/*` take libpg-query's scanner 100 seconds, as it looks through the
 * rest of the text for each; a run of 100,000 `+-` takes PostgreSQL's own 20. And in `SET (a, b) = source` the
 * grammar gives every column the source whole, and sources nest: 500 bytes of `SET (a, b) = (WITH x AS (UPDATE … SET
 * (a, b) = (…` make a tree of gigabytes.
 */
import { Lexer, Token, withoutComments } from './lexer.ts';

/** Comments times characters: about 50 ms. */
const MOST_COMMENTING = 10_000_000;

function commenting(text: string): number {
  let count = 0;
  for (let at = text.indexOf('/*'); at >= 0; at = text.indexOf('/*', at + 1)) count++;
  return count * text.length;
}

/** Three times what a name may have; longer ones are refused by servers in any case. */
const LONG_OPERATOR = 200;
const LONG_RUN = /[~!@#^&|`?+\-*/%<>=]{200}/;

function hasLongOperator(text: string): boolean {
  if (!LONG_RUN.test(text)) return false;
  const lexer = new Lexer(text);
  for (let kind = lexer.next(); kind !== Token.End; kind = lexer.next()) {
    if (kind === Token.Bad) return true;
    if (kind === Token.Operator && lexer.end - lexer.start >= LONG_OPERATOR) return true;
  }
  return false;
}

/**
 * The text as the scanner can take it: with spaces for comments where there are too many. Null where it would take
 * too long in any case.
 */
export function scannable(text: string): string | null {
  if (hasLongOperator(text)) return null;
  return commenting(text) > MOST_COMMENTING ? withoutComments(text) : text;
}

/** More than the longest text that is parsed has tokens. */
const MOST_TOKENS = 300_000;
const SET = /\bset\b/i;

/**
 * Whether the tree is too large: counts each token as often as the tree has it, by an upper bound, in which a row
 * comparison counts like an assignment.
 */
export function expands(sql: string): boolean {
  if (!SET.test(sql)) return false;
  const lexer = new Lexer(sql);
  let total = 0;
  /** How often what stands in each pair of open parentheses is repeated, with all that is around it. */
  const outer: { times: number; own: number; commas: number }[] = [];
  let current = { times: 1, own: 1, commas: 0 };
  let closed = 0;
  for (let kind = lexer.next(); kind !== Token.End && kind !== Token.Bad; kind = lexer.next()) {
    const assigned = closed > 0 && kind === Token.Operator && sql[lexer.start] === '=';
    if (assigned) current.own = current.times * closed;
    closed = 0;
    total += current.own;
    if (total > MOST_TOKENS) return true;
    if (kind !== Token.Mark) continue;
    if (lexer.is('(')) {
      outer.push(current);
      current = { times: current.own, own: current.own, commas: 0 };
    } else if (lexer.is(')')) {
      closed = current.commas + 1;
      current = outer.pop() ?? { times: 1, own: 1, commas: 0 };
    } else if (lexer.is(',')) {
      current.commas++;
      current.own = current.times;
    } else if (lexer.is(';')) current.own = current.times;
  }
  return false;
}
