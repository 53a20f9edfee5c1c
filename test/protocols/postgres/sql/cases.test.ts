/** Each file of cases/: statements, and under each what is to be known about it (see summary.ts). */
import t, { type Test } from 'tap';
import { Analyser, loadParser, type Statement } from '../../../../src/protocols/postgres/sql/index.ts';
import { CASES, CORPUS } from './corpus.ts';
import { summary } from './summary.ts';

await loadParser();

/** What holds for any statement. */
function holds(t: Test, sql: string, statement: Statement): void {
  const { text, start, length, kinds, known, unknown, inner } = statement;
  t.equal(sql.slice(start, start + length), text, `its place in ${sql}`);
  t.equal(text, text.trim());
  t.equal(known, unknown.length === 0);
  t.equal(kinds.includes('unknown'), !known);
  for (const list of [statement.columns, statement.functions, unknown, kinds])
    t.equal(new Set<string>(list).size, list.length, 'nothing twice');
  if (inner !== null) holds(t, sql, inner);
}

for (const [file, cases] of CASES) {
  t.test(file, async (t) => {
    const analyser = new Analyser();
    for (const { sql, expected } of cases) {
      const analysis = analyser.analyse(sql);
      t.strictSame(summary(analysis), expected, sql);
      for (const statement of analysis.statements) holds(t, sql, statement);
    }
  });
}

/** First words of CreateCommandTag's tags that one statement by itself has. */
const VERBS =
  'alter analyze begin call checkpoint close cluster comment commit copy create deallocate declare delete discard do drop ' +
  'execute explain fetch grant import insert listen load lock merge move notify prepare reassign refresh reindex release ' +
  'reset revoke rollback savepoint security select set show start truncate unlisten update vacuum';

t.test('corpus.sql has statements of every verb, and all of them parse', async (t) => {
  const analyser = new Analyser();
  const verbs = new Set<string>();
  for (const sql of CORPUS) {
    const analysis = analyser.analyse(sql);
    t.equal(analysis.error, null, sql);
    for (const statement of analysis.statements) {
      holds(t, sql, statement);
      verbs.add(statement.verb);
    }
  }
  t.ok(CORPUS.length >= 300, `${CORPUS.length} statements`);
  t.strictSame([...verbs].sort(), VERBS.split(' '));
});
