/**
 * A message with its literals taken out: what SELECT, INSERT, UPDATE, DELETE and MERGE (and BEGIN, COMMIT …) have in
 * common when they differ only in literals, white space, comments and the case of words. Statements of one shape
 * have one parse tree but for the literals and places in it.
 *
 * Kept as they are, since the grammar or the analysis looks into them: E'…', U&'…', B'…', N'…', numbers that are not
 * plain, the precision of FLOAT, UESCAPE's character. No shape at all: literals side by side (a line break between
 * them makes them one), what the lexer is not sure about, other statements.
 */
import { Lexer, Token } from './lexer.ts';

export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface Shape {
  /** The tokens, one space between them, a placeholder for each literal. */
  readonly key: string;
  /** The statements, from first to last token. */
  readonly spans: readonly Span[];
  /** No literal was taken out. */
  readonly exact: boolean;
}

const FIRST: ReadonlySet<string> = new Set([
  'select',
  'insert',
  'update',
  'delete',
  'merge',
  'with',
  'values',
  'table',
  '(',
  'begin',
  'start',
  'commit',
  'end',
  'rollback',
  'abort',
]);

/**
 * In place of an integer, another number, a string: the grammar takes them in different places. No token has a
 * brace.
 */
const INTEGER = '{i}';
const DECIMAL = '{n}';
const STRING = '{s}';
const PLACEHOLDERS = /\{[ins]\}/g;
/** In a quoted token it would read as one. */
const PLACEHOLDER = /\{[ins]\}/;

const isString = (kind: Token): boolean =>
  kind === Token.Plain || kind === Token.Dollar || kind === Token.Prefixed;

/** The tokens of a message, as far as the one before and the two before that matter. */
class Reader {
  readonly #lexer: Lexer;
  #before = '';
  #last = '';
  #lastKind: Token = Token.End;

  constructor(sql: string) {
    this.#lexer = new Lexer(sql);
  }

  get lexer(): Lexer {
    return this.#lexer;
  }

  /** What stands for the next token in the key; '' at the end, null where there is no shape. */
  next(): string | null {
    const kind = this.#lexer.next();
    if (kind === Token.End) return '';
    const part = this.#part(kind);
    if (part === null) return null;
    this.#before = this.#last;
    this.#last = part;
    this.#lastKind = kind;
    return part;
  }

  #part(kind: Token): string | null {
    const lexer = this.#lexer;
    switch (kind) {
      case Token.Word:
        return lexer.word;
      case Token.Integer:
        return this.#last === '(' && this.#before === 'float' ? lexer.raw : INTEGER;
      case Token.Decimal:
        return DECIMAL;
      case Token.Plain:
      case Token.Dollar:
        if (isString(this.#lastKind)) return null;
        return this.#last === 'uescape' ? lexer.raw : STRING;
      case Token.Bad:
        return null;
      case Token.Quoted:
      case Token.Prefixed:
        if (isString(kind) && isString(this.#lastKind)) return null;
        return PLACEHOLDER.test(lexer.raw) ? null : lexer.raw;
      case Token.Mark:
        return lexer.end - lexer.start > 1 ? lexer.raw : (lexer.text[lexer.start] ?? null);
      default:
        return lexer.raw;
    }
  }
}

/** Null where the text has no shape. The number of `spans` is that of the statements. */
export function shapeOf(sql: string): Shape | null {
  const reader = new Reader(sql);
  const { lexer } = reader;
  const spans: Span[] = [];
  let key = '';
  let exact = true;
  let start = -1;
  let end = 0;
  for (let part = reader.next(); part !== ''; part = reader.next()) {
    if (part === null) return null;
    if (part === ';') {
      if (start >= 0) spans.push({ start, end });
      start = -1;
    } else {
      if (start < 0) {
        if (!FIRST.has(part)) return null;
        start = lexer.start;
        key += key === '' ? part : ` ; ${part}`;
      } else key += ` ${part}`;
      end = lexer.end;
    }
    if (part === INTEGER || part === DECIMAL || part === STRING) exact = false;
  }
  if (start >= 0) spans.push({ start, end });
  return { key, spans, exact };
}

/** A shape's key to be read by people. */
export const normalisedOf = (key: string): string => key.replace(PLACEHOLDERS, '?');
