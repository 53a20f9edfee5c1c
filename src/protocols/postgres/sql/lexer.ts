/**
 * Tokens of SQL as `scan.l` of PostgreSQL 18 cuts them, for what needs no grammar. It is stricter: what it is not
 * sure about is `Bad`, and whoever uses it then asks the parser.
 *
 * Differs where that can't change where a token of another kind begins: a run of operator characters stays one
 * token.
 */

export const Token = {
  End: 0,
  /** Not closed, or nothing that this lexer knows. */
  Bad: 1,
  /** Keyword or identifier without quotes. */
  Word: 2,
  /** "…" */
  Quoted: 3,
  /** '…' */
  Plain: 4,
  /** $tag$…$tag$ */
  Dollar: 5,
  /** E'…', U&'…', U&"…", N'…', B'…', X'…' */
  Prefixed: 6,
  /** Up to nine decimal digits. */
  Integer: 7,
  /** Digits with a point or an exponent. */
  Decimal: 8,
  /** 0x1f, 1_000, ten digits and more. */
  OtherNumber: 9,
  /** $1 */
  Parameter: 10,
  Operator: 11,
  /** ( ) [ ] , ; . : :: := .. */
  Mark: 12,
} as const;
export type Token = (typeof Token)[keyof typeof Token];

const SPACE = 1;
const START = 2;
const DIGIT = 3;
const OPERATOR = 4;
const MARK = 5;
const CLASS = new Uint8Array(128);
for (const char of ' \t\n\r\f\v') CLASS[char.charCodeAt(0)] = SPACE;
for (const char of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_') CLASS[char.charCodeAt(0)] = START;
for (const char of '0123456789') CLASS[char.charCodeAt(0)] = DIGIT;
for (const char of '~!@#^&|`?+-*/%<>=') CLASS[char.charCodeAt(0)] = OPERATOR;
for (const char of '()[],;.:') CLASS[char.charCodeAt(0)] = MARK;

/** Every character beyond ASCII belongs to identifiers; NaN, the end, to nothing. */
const classOf = (code: number): number => (code < 128 ? (CLASS[code] ?? 0) : code >= 128 ? START : 0);
const INTEGER = /^(?:0x(?:_?[0-9a-f])+|0o(?:_?[0-7])+|0b(?:_?[01])+|\d(?:_?\d)*)$/i;
const UPPER = /[A-Z]/;
const EVERY_UPPER = /[A-Z]+/g;
const QUOTE = 0x27;
const DOUBLE = 0x22;
const DOLLAR = 0x24;
const BACKSLASH = 0x5c;
const continues = (code: number): boolean => {
  const of = classOf(code);
  return of === START || of === DIGIT || code === DOLLAR;
};

export class Lexer {
  readonly text: string;
  readonly #end: number;
  kind: Token = Token.End;
  start = 0;
  end = 0;
  /** A backslash in a '…' or N'…' so far: an escape where standard_conforming_strings is off. */
  backslash = false;
  readonly comments: { readonly start: number; readonly end: number }[] = [];

  constructor(text: string, from = 0, to = text.length) {
    this.text = text;
    this.end = from;
    this.#end = to;
  }

  /** The token as it stands. */
  get raw(): string {
    return this.text.slice(this.start, this.end);
  }

  /** A word in lower case; for every other token ''. Only ASCII is folded, as the server does with UTF-8. */
  get word(): string {
    if (this.kind !== Token.Word) return '';
    const { raw } = this;
    return UPPER.test(raw) ? raw.replace(EVERY_UPPER, (upper) => upper.toLowerCase()) : raw;
  }

  is(raw: string): boolean {
    return this.end - this.start === raw.length && this.text.startsWith(raw, this.start);
  }

  next(): Token {
    const at = this.#skip(this.end);
    this.start = Math.max(at, 0);
    if (at < 0) return this.#token(Token.Bad, this.#end);
    if (at >= this.#end) return this.#token(Token.End, this.#end);
    const code = this.text.charCodeAt(at);
    switch (classOf(code)) {
      case START:
        return this.#word(at, code);
      case DIGIT:
        return this.#number(at);
      case OPERATOR:
        return this.#operator(at);
      case MARK:
        return this.#mark(at, code);
      default:
        if (code === QUOTE) return this.#plain(at);
        if (code === DOUBLE) return this.#closed(Token.Quoted, at + 1, '"');
        if (code === DOLLAR) return this.#dollar(at);
        return this.#token(Token.Bad, at + 1);
    }
  }

  #token(kind: Token, end: number): Token {
    this.kind = end > this.#end ? Token.Bad : kind;
    this.end = Math.min(end, this.#end);
    return this.kind;
  }

  /** Where the next token begins; -1 for a comment that is not closed. */
  #skip(from: number): number {
    const { text } = this;
    let at = from;
    while (at < this.#end) {
      const code = text.charCodeAt(at);
      if (classOf(code) === SPACE) at++;
      else if (code === 0x2d && text.charCodeAt(at + 1) === 0x2d) at = this.#comment(at, this.#line(at));
      else if (code === 0x2f && text.charCodeAt(at + 1) === 0x2a) {
        const end = this.#block(at);
        if (end < 0) return -1;
        at = this.#comment(at, end);
      } else return at;
    }
    return this.#end;
  }

  #comment(start: number, end: number): number {
    this.comments.push({ start, end });
    return end;
  }

  #line(from: number): number {
    for (let at = from; at < this.#end; at++) {
      const code = this.text.charCodeAt(at);
      if (code === 0x0a || code === 0x0d) return at;
    }
    return this.#end;
  }

  #block(from: number): number {
    let depth = 0;
    for (let at = from; at < this.#end; at++) {
      const code = this.text.charCodeAt(at);
      const then = this.text.charCodeAt(at + 1);
      if (code === 0x2f && then === 0x2a) {
        depth++;
        at++;
      } else if (code === 0x2a && then === 0x2f) {
        at++;
        if (--depth === 0) return at + 1;
      }
    }
    return -1;
  }

  #word(at: number, first: number): Token {
    const { text } = this;
    let end = at + 1;
    while (end < this.#end && continues(text.charCodeAt(end))) end++;
    if (end - at > 1) return this.#token(Token.Word, end);
    const then = text.charCodeAt(end);
    if (then === QUOTE) {
      if (first === 0x65 || first === 0x45) return this.#escaped(end + 1);
      if (first === 0x6e || first === 0x4e) return this.#plain(end, Token.Prefixed);
      if (first === 0x62 || first === 0x42 || first === 0x78 || first === 0x58)
        return this.#closed(Token.Prefixed, end + 1, "'");
    } else if (then === 0x26 && (first === 0x75 || first === 0x55)) {
      const quote = text[end + 1];
      if (quote === "'" || quote === '"') return this.#closed(Token.Prefixed, end + 2, quote);
    }
    return this.#token(Token.Word, end);
  }

  /** What ends with a quote that is not doubled. */
  #closed(kind: Token, from: number, quote: string): Token {
    for (let at = from; ; at += 2) {
      at = this.text.indexOf(quote, at);
      if (at < 0 || at >= this.#end) return this.#token(Token.Bad, this.#end);
      if (this.text[at + 1] !== quote) return this.#token(kind, at + 1);
    }
  }

  #plain(quote: number, kind: Token = Token.Plain): Token {
    const found = this.#closed(kind, quote + 1, "'");
    if (!this.backslash) {
      const slash = this.text.indexOf('\\', quote);
      this.backslash = slash >= 0 && slash < this.end;
    }
    return found;
  }

  #escaped(from: number): Token {
    for (let at = from; at < this.#end; at++) {
      const code = this.text.charCodeAt(at);
      if (code === BACKSLASH) at++;
      else if (code === QUOTE) {
        if (this.text.charCodeAt(at + 1) !== QUOTE) return this.#token(Token.Prefixed, at + 1);
        at++;
      }
    }
    return this.#token(Token.Bad, this.#end);
  }

  #dollar(at: number): Token {
    const { text } = this;
    let end = at + 1;
    if (classOf(text.charCodeAt(end)) === DIGIT) {
      while (classOf(text.charCodeAt(end)) === DIGIT) end++;
      return this.#token(continues(text.charCodeAt(end)) ? Token.Bad : Token.Parameter, end);
    }
    if (classOf(text.charCodeAt(end)) === START)
      while (continues(text.charCodeAt(end)) && text.charCodeAt(end) !== DOLLAR) end++;
    if (text.charCodeAt(end) !== DOLLAR) return this.#token(Token.Bad, end);
    const tag = text.slice(at, end + 1);
    const close = text.indexOf(tag, end + 1);
    return close < 0 ? this.#token(Token.Bad, this.#end) : this.#token(Token.Dollar, close + tag.length);
  }

  #digits(from: number): number {
    let at = from;
    while (classOf(this.text.charCodeAt(at)) === DIGIT) at++;
    return at;
  }

  #number(at: number): Token {
    const { text } = this;
    let end = this.#digits(at);
    let kind: Token = end - at <= 9 ? Token.Integer : Token.OtherNumber;
    if (text.charCodeAt(end) === 0x2e) {
      if (text.charCodeAt(end + 1) === 0x2e) return this.#token(Token.Bad, end);
      end = this.#digits(end + 1);
      kind = Token.Decimal;
    }
    const code = text.charCodeAt(end);
    if (code === 0x65 || code === 0x45) {
      const sign = text.charCodeAt(end + 1);
      const digits = sign === 0x2b || sign === 0x2d ? end + 2 : end + 1;
      end = this.#digits(digits);
      kind = end > digits ? Token.Decimal : Token.Bad;
    } else if (kind !== Token.Decimal && continues(code)) {
      while (continues(text.charCodeAt(end))) end++;
      const integer = INTEGER.test(text.slice(at, end)) && text.charCodeAt(end) !== 0x2e;
      kind = integer ? Token.OtherNumber : Token.Bad;
    }
    return this.#token(continues(text.charCodeAt(end)) ? Token.Bad : kind, end);
  }

  #operator(at: number): Token {
    const { text } = this;
    let end = at + 1;
    while (classOf(text.charCodeAt(end)) === OPERATOR) {
      const code = text.charCodeAt(end);
      const then = text.charCodeAt(end + 1);
      if ((code === 0x2d && then === 0x2d) || (code === 0x2f && then === 0x2a)) break;
      end++;
    }
    return this.#token(Token.Operator, end);
  }

  #mark(at: number, code: number): Token {
    const then = this.text.charCodeAt(at + 1);
    if (code === 0x2e && classOf(then) === DIGIT) {
      this.#number(at);
      return this.kind;
    }
    const pair = (code === 0x3a && (then === 0x3a || then === 0x3d)) || (code === 0x2e && then === 0x2e);
    return this.#token(Token.Mark, at + (pair ? 2 : 1));
  }
}

/**
 * Where the last token of a piece of text ends, comments and white space left out; `to` where that can't be told.
 */
export function lastTokenEnd(text: string, from: number, to: number): number {
  const lexer = new Lexer(text, from, to);
  let end = from;
  for (let kind = lexer.next(); kind !== Token.End; kind = lexer.next()) {
    if (kind === Token.Bad) return to;
    end = lexer.end;
  }
  return end;
}

/**
 * The text with a space for every byte of its comments, so that all else keeps its place in UTF-8; null where it
 * can't be followed to its end. The line break after `--` stays: it can join literals.
 */
export function withoutComments(text: string): string | null {
  const lexer = new Lexer(text);
  while (lexer.next() !== Token.End) if (lexer.kind === Token.Bad) return null;
  let blank = '';
  let end = 0;
  for (const comment of lexer.comments) {
    blank +=
      text.slice(end, comment.start) + ' '.repeat(Buffer.byteLength(text.slice(comment.start, comment.end)));
    end = comment.end;
  }
  return blank + text.slice(end);
}

/**
 * Whether the text means something else to a server with standard_conforming_strings off: a backslash in a plain
 * literal, or anything that the lexer can't follow. The first such backslash is where the two readings part, so none
 * before it is missed.
 */
export function escapesDiffer(text: string): boolean {
  if (!text.includes('\\')) return false;
  const lexer = new Lexer(text);
  for (let kind = lexer.next(); kind !== Token.End; kind = lexer.next())
    if (kind === Token.Bad || lexer.backslash) return true;
  return lexer.backslash;
}
