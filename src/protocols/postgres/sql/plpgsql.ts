/**
 * PL/pgSQL → the SQL in it (`pl_gram.y`): statements, and expressions as the SELECTs that PostgreSQL makes of them.
 */
import { scannable } from './cost.ts';
import { brief } from './found.ts';
import { Lexer, Token } from './lexer.ts';
import { parsePlpgsql } from './parse.ts';

export interface Plpgsql {
  /** Each to be parsed as statements. */
  readonly sql: readonly string[];
  /** Something is run that is put together at run time. */
  readonly dynamic: boolean;
  /** What could not be read; the rest is there all the same. */
  readonly problems: readonly string[];
}

/** RawParseMode in parser.h, as `PLpgSQL_expr.parseMode` has it. */
const STATEMENT = 0;
const EXPRESSION = 2;
const ASSIGNMENTS: ReadonlySet<unknown> = new Set([3, 4, 5]);

const DYNAMIC: ReadonlySet<string> = new Set(['PLpgSQL_stmt_dynexecute', 'PLpgSQL_stmt_dynfors', 'dynquery']);

class Collector {
  readonly sql: string[] = [];
  readonly problems: string[] = [];
  /** Variables of a record or composite type: libpg-query leaves their defaults out. */
  readonly records = new Set<string>();
  dynamic = false;

  visit(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) this.visit(item);
      return;
    }
    for (const [key, below] of Object.entries(value)) {
      if (DYNAMIC.has(key)) this.dynamic = true;
      if (key === 'PLpgSQL_expr') this.#expression(below);
      else this.visit(below);
      if (key === 'PLpgSQL_rec') this.records.add((below as { refname?: string }).refname ?? '');
    }
  }

  #expression(node: { readonly query?: string; readonly parseMode?: number }): void {
    const { query = '', parseMode = STATEMENT } = node;
    if (parseMode === STATEMENT) this.sql.push(query);
    else if (parseMode === EXPRESSION) this.sql.push(`SELECT ${query}`);
    else if (ASSIGNMENTS.has(parseMode)) this.#assignment(query);
    else this.problems.push('an expression of PL/pgSQL');
  }

  /** `target := value`: subscripts of the target are expressions too. */
  #assignment(query: string): void {
    const lexer = new Lexer(query);
    let depth = 0;
    for (let kind = lexer.next(); kind !== Token.End && kind !== Token.Bad; kind = lexer.next()) {
      if (lexer.is('(') || lexer.is('[')) depth++;
      else if (lexer.is(')') || lexer.is(']')) depth--;
      else if (depth === 0 && isAssignment(lexer)) {
        const operator = lexer.is(':=') ? 2 : 1;
        this.sql.push(
          `SELECT ${query.slice(0, lexer.start)}`,
          `SELECT ${query.slice(lexer.start + operator)}`,
        );
        return;
      }
    }
    this.problems.push('an assignment of PL/pgSQL');
  }

  /** `name [CONSTANT] type … := value;` of those variables: after DECLARE, a semicolon or a label. */
  defaults(body: string): void {
    const lexer = new Lexer(body);
    let opens = false;
    for (let kind = lexer.next(); kind !== Token.End; kind = lexer.next()) {
      if (kind === Token.Bad) {
        this.problems.push('the defaults of records');
        return;
      }
      const begins = opens;
      opens = lexer.is(';') || lexer.is('>>') || lexer.word === 'declare';
      if (begins && this.records.has(nameOf(lexer))) opens = this.#default(lexer);
    }
  }

  /** Reads on to the end of what may be a declaration; true where it was a whole one. */
  #default(lexer: Lexer): boolean {
    if (lexer.next() !== Token.Word) return lexer.is(';');
    for (let kind: Token = lexer.kind; kind !== Token.End && kind !== Token.Bad; kind = lexer.next()) {
      if (lexer.is(';')) return true;
      if (!isAssignment(lexer) && lexer.word !== 'default') continue;
      const from = lexer.end;
      while (!lexer.is(';') && lexer.kind !== Token.End && lexer.kind !== Token.Bad) lexer.next();
      this.sql.push(`SELECT ${lexer.text.slice(from, lexer.start)}`);
      return true;
    }
    return false;
  }
}

const isAssignment = (lexer: Lexer): boolean =>
  lexer.is(':=') || (lexer.kind === Token.Operator && lexer.raw.startsWith('='));

function nameOf(lexer: Lexer): string {
  if (lexer.kind === Token.Word) return lexer.word;
  return lexer.kind === Token.Quoted ? lexer.raw.slice(1, -1).replaceAll('""', '"') : '';
}

/**
 * @param statement the whole CREATE FUNCTION, CREATE PROCEDURE or DO
 * @param body the code in it
 */
export function readPlpgsql(statement: string, body: string): Plpgsql {
  if (scannable(body) !== body)
    return { sql: [], dynamic: false, problems: ['PL/pgSQL with more comments than can be read in time'] };
  const { tree, error } = parsePlpgsql(statement);
  if (error !== null) return { sql: [], dynamic: false, problems: [`PL/pgSQL: ${brief(error.message)}`] };
  const collector = new Collector();
  collector.visit(tree);
  if (collector.records.size > 0) collector.defaults(body);
  return collector;
}
