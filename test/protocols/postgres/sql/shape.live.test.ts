/** What the cache says is what the parser says: for statements that differ in literals, spaces, comments and case, and for broken ones. */
import { loadModule } from 'libpg-query';
import t from 'tap';
import { analyseText } from '../../../../src/protocols/postgres/sql/analyse.ts';
import { Analyser, type Analysis, loadParser } from '../../../../src/protocols/postgres/sql/index.ts';
import { shapeOf } from '../../../../src/protocols/postgres/sql/shape.ts';
import { Random } from '../../../core/random.ts';
import { ALL } from './corpus.ts';
import { RandomSql } from './random-sql.ts';

await Promise.all([loadParser(), loadModule()]);

const facts = ({ statements, error }: Analysis) => JSON.stringify({ statements, error });

/** Analyses one text by the cache and afresh. True where the cache knew it. */
function compare(t: Tap, analyser: Analyser, sql: string): boolean {
  const before = analyser.size.entries;
  const cached = analyser.analyse(sql);
  const fresh = analyseText(sql).analysis;
  if (facts(cached) !== facts(fresh)) t.strictSame(cached, fresh, sql);
  return analyser.size.entries === before && cached.error === null;
}
type Tap = { strictSame(found: unknown, wanted: unknown, message: string): boolean };

t.test('statements of the corpus, each with variants', async (t) => {
  const random = new Random(1);
  const sql = new RandomSql(random);
  const analyser = new Analyser();
  let known = 0;
  let all = 0;
  for (const base of ALL) {
    compare(t, analyser, base);
    for (let times = 0; times < 12; times++) {
      all += 1;
      if (compare(t, analyser, sql.variant(base))) known += 1;
    }
    compare(t, analyser, sql.broken(base));
  }
  t.ok(all > 8_000 && known > all / 4, `${known} of ${all} were known`);
});

t.test('statements made up at random, each with variants', async (t) => {
  const random = new Random(2);
  const sql = new RandomSql(random);
  const analyser = new Analyser();
  let known = 0;
  let valid = 0;
  for (let times = 0; times < 3_000; times++) {
    const base = sql.statement();
    compare(t, analyser, base);
    if (analyser.analyse(base).error === null) valid += 1;
    for (let variants = 0; variants < 4; variants++) if (compare(t, analyser, sql.variant(base))) known += 1;
    compare(t, analyser, sql.broken(base));
  }
  t.ok(valid > 1_000 && known > 2_000, `${valid} are SQL, ${known} were known`);
});

t.test('a shape keeps what the grammar or the analysis looks into', async (t) => {
  const differ: readonly (readonly [string, string])[] = [
    ['select a::float(3)', 'select a::float(99)'],
    ["select E'a'", "select E'\\'"],
    ['select 1', 'select 1.5'],
    ['select 1', "select '1'"],
    ['select 1', 'select null'],
    ['select a from t limit 1', 'select a from t limit all'],
    ["select U&'a' uescape '!'", "select U&'a' uescape '1'"],
    ['select a', 'select "a"'],
    ['select a b', 'select ab'],
    ['select a - -1', 'select a --1'],
    ['select 0x1f', 'select 0x2f'],
    ['select 1_0', 'select 2_0'],
  ];
  for (const [one, other] of differ) t.not(shapeOf(one)?.key, shapeOf(other)?.key, `${one} and ${other}`);
  const same: readonly (readonly [string, string])[] = [
    ['SELECT a FROM t WHERE b=1', 'select/**/a\nfrom t where b   =\t2 -- x'],
    ["select 'a'", "select $$b'$$"],
    ['select 1.5', 'select .5e3'],
    ['select a;', 'select a'],
  ];
  for (const [one, other] of same) t.equal(shapeOf(one)?.key, shapeOf(other)?.key, `${one} and ${other}`);
  const none = [
    "select 'a'\n'b'",
    "select 'a' 'b'",
    'select 1x',
    "select 'a",
    'drop table t',
    "set role 'x'",
    'explain select 1',
  ];
  for (const sql of none) t.equal(shapeOf(sql), null, sql);
});

t.test('what a literal decides is asked of the parser each time', async (t) => {
  const analyser = new Analyser();
  const role = (name: string) =>
    analyser.analyse(`select set_config('${name}', 'bob', false)`).statements[0]?.role;
  t.strictSame([role('work_mem'), role('role'), role('work_mem')], [null, 'bob', null]);
});

t.test('the normalised text is for people', async (t) => {
  const analyser = new Analyser();
  const normalised = (sql: string) => analyser.analyse(sql).normalised;
  for (const sql of ["SELECT A FROM t WHERE b = 'x' LIMIT 5", "select a from t where b='y' limit 6 -- z"])
    t.equal(normalised(sql), 'select a from t where b = ? limit ?');
  t.equal(normalised('begin; delete from "T" where a = 1;'), 'begin ; delete from "T" where a = ?');
  t.equal(normalised("set role 'x'"), null);
  t.equal(normalised('select from from'), null);
});
