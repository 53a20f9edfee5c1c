/** The lexer cuts where PostgreSQL's scanner cuts. */
import { loadModule, scanSync } from 'libpg-query';
import t from 'tap';
import { escapesDiffer, Lexer, lastTokenEnd, Token } from '../../../../src/protocols/postgres/sql/lexer.ts';
import { Random } from '../../../core/random.ts';
import { ALL } from './corpus.ts';
import { RandomSql } from './random-sql.ts';

await loadModule();

function tokens(sql: string): { kind: Token; start: number; end: number }[] | null {
  const lexer = new Lexer(sql);
  const all = [];
  for (let kind = lexer.next(); kind !== Token.End; kind = lexer.next()) {
    if (kind === Token.Bad) return null;
    all.push({ kind, start: lexer.start, end: lexer.end });
  }
  return all;
}

/** The scanner's tokens, comments left out, in UTF-16; null where it refuses the text. */
function scanned(sql: string): { name: string; start: number; end: number }[] | null {
  const bytes = Buffer.from(sql);
  const index = (byte: number) => bytes.toString('utf8', 0, byte).length;
  try {
    return scanSync(sql)
      .tokens.filter(({ tokenName }) => !/COMMENT/.test(tokenName))
      .map(({ tokenName, start, end }) => ({ name: tokenName, start: index(start), end: index(end) }));
  } catch {
    return null;
  }
}

const EXPECTED: Partial<Record<Token, RegExp>> = {
  [Token.Plain]: /^SCONST$/,
  [Token.Dollar]: /^SCONST$/,
  [Token.Prefixed]: /^(?:SCONST|USCONST|UIDENT|BCONST|XCONST|NCHAR)$/,
  [Token.Integer]: /^ICONST$/,
  [Token.Decimal]: /^FCONST$/,
  [Token.OtherNumber]: /^[IF]CONST$/,
  [Token.Parameter]: /^PARAM$/,
  [Token.Quoted]: /^IDENT$/,
};

/** What differs, or null. Adjacent literals that are one to the scanner are its first token here. */
function difference(sql: string): string | null {
  const mine = tokens(sql);
  const theirs = scanned(sql);
  if (mine === null) return null;
  // It refuses empty identifiers and escapes that are none, and writes control characters and nothing at all as no JSON.
  if (theirs === null) return /^$|""|\\|[^ -~\x80-\uffff]/.test(sql) ? null : 'the scanner refuses it';
  let at = 0;
  for (const { kind, start, end } of mine) {
    const first = theirs[at];
    if (first === undefined || first.start !== start) return `${sql.slice(start, end)} at ${start}`;
    const wanted = EXPECTED[kind];
    if (wanted !== undefined && first.name !== 'UNKNOWN' && !wanted.test(first.name))
      return `${sql.slice(start, end)} is ${first.name}`;
    // A literal that goes on after a line break, a run of operators: several of one side, one of the other.
    if (first.end > end) {
      if (kind !== Token.Plain && kind !== Token.Prefixed)
        return `${sql.slice(start, end)} ends before ${first.end}`;
      return null;
    }
    while ((theirs[at]?.end ?? Number.POSITIVE_INFINITY) <= end) at += 1;
    if (kind !== Token.Operator && kind !== Token.Prefixed && theirs[at - 1]?.start !== start)
      return `${sql.slice(start, end)} is several`;
  }
  return at === theirs.length ? null : 'tokens are left';
}

t.test('as the scanner: corpus, variants, broken texts', async (t) => {
  const sql = new RandomSql(new Random(3));
  let compared = 0;
  const check = (text: string) => {
    compared += 1;
    const differs = difference(text);
    if (differs !== null) t.fail(`${differs}: ${text}`);
  };
  for (const text of ALL) {
    check(text);
    for (let times = 0; times < 4; times++) check(sql.variant(text));
    for (let times = 0; times < 4; times++) check(sql.broken(text));
  }
  for (let times = 0; times < 3_000; times++) check(sql.statement());
  t.ok(compared > 10_000, `${compared} texts`);
});

const ALPHABET = [
  ...'\'"$aEu&U_ \n-/*;()0159.e+=:,[]x\\é😀',
  '$$',
  "''",
  '/*',
  '*/',
  '--',
  '$a$',
  "E'",
  "U&'",
];

t.test('as the scanner: characters at random', async (t) => {
  const random = new Random(4);
  for (let times = 0; times < 20_000; times++) {
    let text = '';
    for (let length = random.below(14); length > 0; length--) text += random.pick(ALPHABET);
    const differs = difference(text);
    if (differs !== null) t.fail(`${differs}: ${JSON.stringify(text)}`);
  }
  t.pass('all compared');
});

t.test('the last token of a piece', async (t) => {
  const text = 'select 1 /* x */ -- y\n ; select 2';
  t.equal(text.slice(0, lastTokenEnd(text, 0, 23)), 'select 1');
  t.equal(lastTokenEnd("select 'x", 0, 9), 9, 'what is not closed is left as it is');
  t.equal(lastTokenEnd('  ', 0, 2), 0);
});

t.test('a backslash in a plain string', async (t) => {
  for (const sql of [
    "select '\\'",
    "select n'\\'",
    "select 'a', 'b\\c'",
    "select 'a\\''; drop table t; --'",
    "select '\\",
  ])
    t.equal(escapesDiffer(sql), true, sql);
  for (const sql of [
    "select 'a'",
    "select e'\\''",
    'select "\\"',
    'select $$\\$$',
    "select 1 -- '\\'",
    "select /* '\\' */ 1",
    "select U&'\\0061'",
  ])
    t.equal(escapesDiffer(sql), false, sql);
});
