/** One statement of a parse tree → what is known about it. */
import type { ExplainStmt, Node } from '@pgsql/types';
import { BODIES } from './bodies.ts';
import { DEFINITIONS } from './definitions.ts';
import type { Found } from './found.ts';
import { Lexer, Token } from './lexer.ts';
import { as, tagOf } from './nodes.ts';
import { QUERIES, select } from './queries.ts';
import type { Statement } from './statement.ts';
import { withReasons } from './unnamed.ts';
import { UTILITIES } from './utilities.ts';
import { factsOf, UNKNOWN_STATEMENT } from './verbs.ts';
import { handlerMap, NO_NAMES, Walker } from './walker.ts';

const HANDLERS = withReasons(handlerMap(QUERIES, DEFINITIONS, UTILITIES, BODIES));

export interface Place {
  readonly text: string;
  readonly start: number;
}

export interface Described {
  readonly statement: Statement;
  readonly found: Found;
}

const QUERY_WORDS: ReadonlySet<string> = new Set(['select', 'values', 'with', 'table']);
const EXPLAIN_WORDS: ReadonlySet<string> = new Set(['analyze', 'analyse', 'verbose']);

/** Reads to the parenthesis that closes the one just read. */
function skipParentheses(lexer: Lexer): void {
  let depth = 1;
  while (depth > 0 && lexer.next() !== Token.End && lexer.kind !== Token.Bad)
    depth += lexer.is('(') ? 1 : lexer.is(')') ? -1 : 0;
}

/** Where the statement that EXPLAIN explains begins: after its options. */
function afterExplain(text: string): number {
  const lexer = new Lexer(text);
  lexer.next();
  lexer.next();
  if (lexer.is('(')) {
    const { start } = lexer;
    lexer.next();
    if (lexer.is('(') || QUERY_WORDS.has(lexer.word)) return start;
    skipParentheses(lexer);
    lexer.next();
  } else while (EXPLAIN_WORDS.has(lexer.word)) lexer.next();
  return lexer.start;
}

/** What follows a reserved word outside of parentheses: AS of PREPARE, FOR of DECLARE. */
function after(text: string, word: string): number {
  const lexer = new Lexer(text);
  while (lexer.next() !== Token.End && lexer.kind !== Token.Bad) {
    if (lexer.is('(')) skipParentheses(lexer);
    else if (lexer.word === word) {
      lexer.next();
      return lexer.start;
    }
  }
  return 0;
}

const FALSE: ReadonlySet<string | null> = new Set(['0', 'false', 'off']);

/**
 * The last ANALYZE among the options decides (ExplainQuery). What is no boolean is refused there, and counts as yes
 * here.
 */
function analyzes(node: ExplainStmt): boolean {
  const options = (node.options ?? []).map((each) => as(each, 'DefElem'));
  const last = options.filter((each) => each?.defname === 'analyze').at(-1);
  if (last === undefined || last === null) return false;
  const integer = as(last.arg, 'Integer');
  const value = integer === null ? (as(last.arg, 'String')?.sval ?? null) : `${integer.ival ?? 0}`;
  return !FALSE.has(value?.toLowerCase() ?? null);
}

interface Inner {
  readonly node: Node | undefined;
  readonly from: number;
  readonly runs: boolean;
}

function innerOf(node: Node, text: string): Inner | null {
  const prepare = as(node, 'PrepareStmt');
  if (prepare !== null) return { node: prepare.query, from: after(text, 'as'), runs: false };
  const declare = as(node, 'DeclareCursorStmt');
  if (declare !== null) return { node: declare.query, from: after(text, 'for'), runs: true };
  const explain = as(node, 'ExplainStmt');
  if (explain !== null) return { node: explain.query, from: afterExplain(text), runs: analyzes(explain) };
  return null;
}

/** CREATE TABLE AS EXECUTE has one too. */
function preparedName(node: Node | undefined): string | null {
  if (node === undefined) return null;
  const named = as(node, 'PrepareStmt') ?? as(node, 'ExecuteStmt') ?? as(node, 'DeallocateStmt');
  return named?.name ?? preparedName(as(node, 'CreateTableAsStmt')?.query);
}
const cursorName = (node: Node): string | null =>
  (as(node, 'DeclareCursorStmt') ?? as(node, 'FetchStmt') ?? as(node, 'ClosePortalStmt'))?.portalname ?? null;

/** @param place the statement's own text, and where in the message it begins */
export function describe(node: Node, place: Place, standardConformingStrings: boolean): Described {
  const facts = factsOf(tagOf(node), node);
  const walker = new Walker(HANDLERS, { text: place.text, standardConformingStrings });
  const { found } = walker;
  found.kind(...facts.kinds);
  if (facts.verb === 'unknown') found.unknown.add(UNKNOWN_STATEMENT);
  const below = innerOf(node, place.text);
  let inner: Statement | null = null;
  if (below?.node !== undefined) {
    const at = { text: place.text.slice(below.from), start: place.start + below.from };
    const described = describe(below.node, at, standardConformingStrings);
    found.absorb(described.found, below.runs);
    inner = described.statement;
  } else {
    const query = as(node, 'SelectStmt');
    if (query !== null) select(query, NO_NAMES, walker, true);
    else walker.walk(node, NO_NAMES);
  }
  found.settle();
  const statement: Statement = {
    text: place.text,
    start: place.start,
    length: place.text.length,
    verb: facts.verb,
    kinds: found.kinds,
    reads: found.reads.list,
    writes: found.writes.list,
    columns: [...found.columns],
    functions: [...found.functions],
    where: found.where,
    limit: found.limit,
    role: found.role,
    prepared: preparedName(node),
    cursor: cursorName(node),
    inner,
    runs: below?.runs ?? false,
    transaction: facts.transaction,
    known: found.unknown.size === 0,
    unknown: [...found.unknown],
  };
  return { statement, found };
}
