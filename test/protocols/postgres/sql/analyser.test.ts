import t from 'tap';
import { analyseText } from '../../../../src/protocols/postgres/sql/analyse.ts';
import { Cache } from '../../../../src/protocols/postgres/sql/cache.ts';
import { Analyser, loadParser, MOST_BYTES } from '../../../../src/protocols/postgres/sql/index.ts';
import { Random } from '../../../core/random.ts';
import { ALL } from './corpus.ts';
import { RandomSql } from './random-sql.ts';

await loadParser();

t.test('places are those of the text at hand', async (t) => {
  const analyser = new Analyser();
  const places = (sql: string) =>
    analyser.analyse(sql).statements.map(({ text, start, length }) => [text, start, length]);
  t.strictSame(places('select 1; select 2'), [
    ['select 1', 0, 8],
    ['select 2', 10, 8],
  ]);
  t.strictSame(places(" /* ü */ ;; select 'ü😀' ; -- x\nselect 22 -- y\n;"), [
    ["select 'ü😀'", 12, 12],
    ['select 22', 32, 9],
  ]);
  t.strictSame(places("select '1' ; select 2"), [
    ["select '1'", 0, 10],
    ['select 2', 13, 8],
  ]);
  t.strictSame(places('drop table ü; drop table b'), [
    ['drop table ü', 0, 12],
    ['drop table b', 14, 12],
  ]);
  const [prepare] = analyser.analyse('; prepare ü as select 1').statements;
  t.strictSame([prepare?.inner?.text, prepare?.inner?.start], ['select 1', 15]);
});

t.test('the same text is not analysed again', async (t) => {
  const analyser = new Analyser();
  for (const sql of ['drop table t', 'select a from t where b = $1'])
    t.equal(analyser.analyse(sql), analyser.analyse(sql));
  t.not(analyser.analyse('selec 1'), analyser.analyse('selec 1'), 'but for what is no SQL');
});

t.test('what is too long is unknown', async (t) => {
  const [long] = new Analyser({ mostBytes: 20 }).analyse("select 'üüüüüüüüüü'").statements;
  t.strictSame([long?.verb, long?.kinds, long?.unknown], ['unknown', ['unknown'], ['longer than 20 bytes']]);
  t.equal(new Analyser({ mostBytes: 20 }).analyse('select 12345678901').error, null);
  const analyser = new Analyser();
  const huge = `select '${'x'.repeat(MOST_BYTES)}'`;
  t.equal(analyser.analyse('select 1').statements[0]?.known, true);
  t.equal(analyser.analyse(huge).statements[0]?.verb, 'unknown', 'whatever shape is known');
  t.strictSame(analyser.analyse(huge).error, null, 'the server may take it');
});

t.test('a NUL in a literal of a known shape', async (t) => {
  const analyser = new Analyser();
  t.equal(analyser.analyse("select 'a'").statements[0]?.verb, 'select');
  t.strictSame(analyser.analyse("select '\0'").statements[0]?.unknown, ['a NUL character']);
  t.strictSame(analyser.analyse("select '\udc00'").statements[0]?.unknown, ['half of a surrogate pair']);
});

t.test('standard_conforming_strings off', async (t) => {
  const analyser = new Analyser();
  const off = { standardConformingStrings: false };
  const verbs = (sql: string) => analyser.analyse(sql, off).statements.map(({ verb }) => verb);
  const hides = "select '\\'; drop table t; --'";
  t.strictSame(
    analyser.analyse(hides).statements.map(({ verb }) => verb),
    ['select', 'drop'],
  );
  t.strictSame(verbs(hides), ['unknown']);
  t.strictSame(verbs("select e'\\''; select 1"), ['select', 'select']);
  t.strictSame(verbs('select $$\\$$, "\\" -- \'\\\''), ['select']);
  t.strictSame(verbs("select 'a'"), ['select']);
  const [body] = analyser.analyse("do $$ begin perform '\\'; end $$", off).statements;
  t.strictSame(body?.unknown, ['a backslash in a string of DO that settings decide about']);
  t.equal(analyser.analyse("do $$ begin perform '\\'; end $$").statements[0]?.known, true, 'on');
});

t.test('memory is bounded', async (t) => {
  const limits = { mostEntries: 100, mostCacheBytes: 200_000 };
  const analyser = new Analyser(limits);
  for (let n = 0; n < 2_000; n++) {
    analyser.analyse(`select c${n} from t where a = ${n}`);
    analyser.analyse(`drop table t${n}, ${'x'.repeat(n % 3_000)}y`);
    const { entries, bytes } = analyser.size;
    if (entries > 2 * limits.mostEntries || bytes > 2 * limits.mostCacheBytes) t.fail(`${entries}, ${bytes}`);
  }
  t.ok(analyser.size.entries > 50, `${analyser.size.entries} entries`);
});

t.test('the cache keeps what is used', async (t) => {
  const cache = new Cache<number>(10, 1_000);
  for (let n = 0; n < 100; n++) {
    cache.set(`k${n}`, n, 10);
    cache.set('kept', 1, 10);
    t.equal(cache.get('kept'), 1);
    t.ok(cache.size <= 10 && cache.bytes <= 100);
  }
  for (let n = 100; n < 200; n++) {
    cache.set(`k${n}`, n, 10);
    if (cache.get('kept') === undefined) t.fail(`lost at ${n}`);
  }
  t.equal(cache.get('k0'), undefined);
  t.equal(cache.get('k199'), 199);
  cache.set('large', 1, 70);
  t.equal(cache.get('large'), undefined, 'a sixteenth at most');
  const byBytes = new Cache<number>(1_000, 1_000);
  for (let n = 0; n < 100; n++) byBytes.set(`k${n}`, n, 60);
  t.ok(byBytes.bytes <= 1_000 && byBytes.size >= 8, `${byBytes.size} of 60 bytes`);
});

t.test('no text makes it throw', async (t) => {
  const random = new Random(5);
  const sql = new RandomSql(random);
  const analyser = new Analyser();
  const pieces = ALL.flatMap((each) => each.split(/(?<=\W)/));
  for (let times = 0; times < 4_000; times++) {
    let text = '';
    for (let length = 1 + random.below(20); length > 0; length--) text += random.pick(pieces);
    analyser.analyse(text, { standardConformingStrings: random.below(2) === 0 });
    analyser.analyse(sql.broken(random.pick(ALL)));
    const bytes = Buffer.from(random.bytes(random.below(40)));
    analyser.analyse(bytes.toString('latin1'));
    analyser.analyse(bytes.toString('utf16le'));
    analyser.analyse(bytes.toString('utf8'));
  }
  for (const text of ALL) for (let end = 0; end <= text.length; end += 7) analyseText(text.slice(0, end));
  t.pass('none did');
});
