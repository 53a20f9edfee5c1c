/** Texts that break parsers: an answer for each, in time, and the next statement parses as if nothing had been. */
import t from 'tap';
import { analyseText } from '../../../../src/protocols/postgres/sql/analyse.ts';
import { expands } from '../../../../src/protocols/postgres/sql/cost.ts';
import { Offsets } from '../../../../src/protocols/postgres/sql/offsets.ts';
import {
  loadParser,
  MOST_BYTES,
  MOST_DEPTH,
  parse,
  parsePlpgsql,
} from '../../../../src/protocols/postgres/sql/parse.ts';
import { ParserTrap, parseRaw } from '../../../../src/protocols/postgres/sql/wasm.ts';

t.throws(() => parse('select 1'), /loadParser/);
await loadParser();

const repeated = (before: string, middle: string, after: string) => (n: number) =>
  before.repeat(n) + middle + after.repeat(n);

/** Each as deep as asked, in its own way. */
const DEEP: Readonly<Record<string, (n: number) => string>> = {
  parentheses: (n) => `select ${repeated('(', '1', ')')(n)}`,
  subqueries: (n) => `select ${repeated('(select ', '1', ')')(n)}`,
  'from subqueries': (n) => repeated('select * from (', 'select 1', ') q')(n),
  not: (n) => `select ${repeated('not ', 'true', '')(n)}`,
  minus: (n) => `select ${repeated('- ', 'a', '')(n)}`,
  plus: (n) => `select ${repeated('', '1', ' + 1')(n)}`,
  concatenation: (n) => `select ${repeated('', 'a', ' || a')(n)}`,
  and: (n) => `select ${repeated('', 'a', ' and a')(n)}`,
  'and or': (n) => `select ${repeated('(a and ', 'b', ' or c)')(n)}`,
  casts: (n) => `select ${repeated('', 'a', '::int')(n)}`,
  calls: (n) => `select ${repeated('f(', 'a', ')')(n)}`,
  arrays: (n) => `select ${repeated('array[', '1', ']')(n)}`,
  rows: (n) => `select ${repeated('row(', '1', ')')(n)}`,
  cases: (n) => `select ${repeated('case when a then ', 'b', ' end')(n)}`,
  unions: (n) => repeated('', 'select 1', ' union select 1')(n),
  joins: (n) => `select * from ${repeated('', 'a', ' join a on true')(n)}`,
  'nested joins': (n) => `select * from ${repeated('(a join ', 'a', ' on true)')(n)}`,
  with: (n) => `${repeated('with x as (', 'select 1', ') select 1')(n)}`,
  indirection: (n) => `select ${repeated('(', 'a', ').b')(n)}`,
  subscripts: (n) => `select a${repeated('[a', '[1]', ']')(n)}`,
  comments: (n) => `${repeated('/*', '', '*/')(n)} select 1`,
  statements: (n) => repeated('', 'select 1', ';select 1')(n),
  items: (n) => `select ${repeated('', '1', ',1')(n)}`,
  explain: (n) => `${repeated('explain ', 'select 1', '')(n)}`,
  brackets: (n) => `select ${'('.repeat(n)}`,
};

t.test('deep texts', async (t) => {
  for (const [name, make] of Object.entries(DEEP)) {
    for (const n of [10, 100, 1_000, 5_000, 50_000]) {
      const text = make(n);
      const before = performance.now();
      const { analysis } = analyseText(text);
      const took = performance.now() - before;
      t.ok(took < 5_000, `${name} ${n}: ${Math.round(took)} ms`);
      t.ok(analysis.statements.length > 0);
      const next = analyseText('select a from t where b = 1').analysis.statements[0];
      t.strictSame(
        [next?.verb, next?.columns, next?.where],
        ['select', ['a', 'b'], true],
        `after ${name} ${n}`,
      );
    }
  }
});

t.test('what is let through is deep enough for people', async (t) => {
  const enough = {
    subqueries: 100,
    concatenation: 500,
    'and or': 200,
    unions: 500,
    with: 50,
    calls: 200,
    casts: 500,
  };
  for (const [name, n] of Object.entries(enough))
    t.equal(parse(DEEP[name]?.(n) ?? '').error, null, `${name} ${n}`);
  t.ok(MOST_DEPTH <= 2000);
});

t.test('a trap costs nobody but the statement', async (t) => {
  for (let times = 0; times < 5; times++) {
    t.throws(() => parseRaw(DEEP.plus?.(100_000) ?? ''), ParserTrap);
    t.equal(parse('select 1').tree?.stmts?.length, 1);
    t.equal(parsePlpgsql('do $$ begin null; end $$').error, null);
  }
});

/** The raw grammar takes UPDATE anywhere in WITH, and repeats each source for each column. */
const nested = (n: number): string =>
  n === 0 ? '1' : `(with x as (update t set (a, b) = ${nested(n - 1)} returning 1) select 1)`;

t.test('a small text with a huge tree', async (t) => {
  for (const sql of [
    `update t set (a, b) = ${nested(25)}`,
    `update t set (a, b) /* = */ = ${nested(25)}`,
    `update t set (${Array(2_000).fill('a').join(',')}) = (select ${Array(2_000).fill('1').join(',')})`,
  ]) {
    const before = performance.now();
    const { error } = parse(sql);
    t.strictSame(error, { message: 'its tree is too large', cursor: 0, syntax: false });
    t.ok(performance.now() - before < 1_000, 'without the parser');
    t.throws(() => parseRaw(sql), ParserTrap, 'which would have run out of memory');
  }
  for (const sql of [
    'update t set (a, b, c) = (select d, e, f from u where (g, h) = (1, 2)) where (i, j) = (3, 4)',
    `select * from t where ${Array(500).fill('(a, b) = (1, 2)').join(' or ')}; update t set a = 1`,
  ])
    t.equal(expands(sql), false, sql.slice(0, 60));
});

t.test('texts that scanners take too long for', async (t) => {
  const known: readonly (readonly [string, number])[] = [
    [`${'/**/'.repeat(60_000)}select 1`, 1],
    [`${'/*'.repeat(60_000)}${'*/'.repeat(60_000)}select 1`, 1],
    [`${'-- x\n'.repeat(50_000)}select 1`, 1],
    [`select '${'/*'.repeat(100_000)}'`, 1],
    [`select 1 -- ${'+'.repeat(100_000)}`, 1],
    ['select /* é */ 1;'.repeat(5_000), 5_000],
  ];
  for (const [sql, count] of known) {
    const before = performance.now();
    t.equal(parse(sql).tree?.stmts?.length, count);
    t.ok(
      performance.now() - before < 2_000,
      `${Math.round(performance.now() - before)} ms: ${sql.slice(0, 20)}`,
    );
  }
  for (const sql of [
    '/*'.repeat(100_000),
    `select ${'*/'.repeat(100_000)}`,
    `select ${'+-'.repeat(100_000)}1`,
    `select ${'+'.repeat(300)}'`,
  ]) {
    const before = performance.now();
    t.match(parse(sql).error, { syntax: false, message: /in time/ });
    t.ok(performance.now() - before < 1_000, sql.slice(0, 20));
  }
  for (const body of ['/**/'.repeat(50_000), `x := 1 ${'+-'.repeat(50_000)} 1;`])
    for (const sql of [`do $$ begin ${body} end $$`, `do e'begin ${body.replaceAll('/', '\\x2f')} end'`]) {
      const before = performance.now();
      t.equal(analyseText(sql).analysis.statements[0]?.known, false);
      t.ok(performance.now() - before < 2_000, sql.slice(0, 20));
    }
  const wrong = `select /* ${'ü'.repeat(20)} */ '${'/*'.repeat(10_000)}', é frm /* x */ t`;
  t.equal(parse(wrong).error?.cursor, wrong.length - 1);
});

t.test('what is no text for a server', async (t) => {
  const refused = (sql: string, most?: number) => {
    const { error } = parse(sql, most);
    return error === null ? null : [error.message, error.cursor, error.syntax];
  };
  t.strictSame(refused('select 1;\0 drop table t'), ['a NUL character', 9, false]);
  t.strictSame(refused("select '\ud800'"), ['half of a surrogate pair', 0, false]);
  t.strictSame(refused('select 1', 7), ['longer than 7 bytes', 0, false]);
  t.strictSame(refused("select 'ü'", 10), ['longer than 10 bytes', 0, false]);
  t.equal(refused("select 'ü'", 11), null);
  t.strictSame(refused('x'.repeat(MOST_BYTES + 1)), [`longer than ${MOST_BYTES} bytes`, 0, false]);
  t.strictSame(refused('selec 1'), ['syntax error at or near "selec"', 0, true]);
  t.strictSame(refused("select 'ü😀' from ü whe re 1"), ['syntax error at or near "re"', 24, true]);
  t.strictSame(refused('/* ü */ select a not /**/ in (1) frm t'), ['syntax error at or near "in"', 26, true]);
  for (const empty of ['', ' ', '-- x', ';;'])
    t.strictSame(parse(empty).tree?.stmts ?? [], [], JSON.stringify(empty));
});

t.test('bytes of UTF-8 to indexes', async (t) => {
  const text = 'aü€😀z';
  const offsets = new Offsets(text);
  const indexes = Array.from({ length: 13 }, (_, byte) => offsets.index(byte));
  t.strictSame(indexes, [0, 1, 2, 2, 3, 3, 3, 5, 5, 5, 5, 6, 6]);
  t.equal(offsets.index(1), 1, 'and back');
  t.equal(new Offsets('abc').index(9), 3);
});
