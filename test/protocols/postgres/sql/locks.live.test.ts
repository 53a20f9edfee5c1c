/** What is said to be read and written is what a real server locks when it plans the statement. */
import { dirname } from 'node:path';
import pg from 'pg';
import t from 'tap';
import { Analyser, loadParser, type Relation } from '../../../../src/protocols/postgres/sql/index.ts';
import { Random } from '../../../core/random.ts';
import { startServer } from '../local-server.ts';
import { NAMES, RandomScopes } from './random-scopes.ts';

await loadParser();
const server = startServer();
const client = new pg.Client({ host: dirname(server.path), user: 'free', database: 'postgres' });
await client.connect();
t.teardown(async () => {
  await client.end();
  server[Symbol.dispose]();
});
const tables = NAMES.map(
  (name) => `create table ${name} (x int, y int); create table s.${name} (x int, y int);`,
);
await client.query(`create schema s; ${tables.join('')}`);

const HELD = `select n.nspname || '.' || c.relname as name, bool_or(l.mode = 'RowExclusiveLock') as written
  from pg_locks l join pg_class c on c.oid = l.relation join pg_namespace n on n.oid = c.relnamespace
  where l.pid = pg_backend_pid() and n.nspname in ('s', 'public') group by 1`;

interface Touched {
  readonly all: string;
  readonly written: string;
}

/** Null where the server refuses the statement: CTEs made up at random do much that may not be. */
async function locked(sql: string): Promise<Touched | null> {
  await client.query('begin');
  try {
    await client.query(`explain ${sql}`);
    const { rows } = await client.query<{ name: string; written: boolean }>(HELD);
    const names = (of: typeof rows) =>
      of
        .map(({ name }) => name)
        .sort()
        .join(' ');
    return { all: names(rows), written: names(rows.filter(({ written }) => written)) };
  } catch {
    return null;
  } finally {
    await client.query('rollback');
  }
}

t.test('names of tables and of CTEs', { timeout: 120_000 }, async (t) => {
  const scopes = new RandomScopes(new Random(6));
  const analyser = new Analyser();
  const name = ({ schema, name }: Relation) => `${schema ?? 'public'}.${name}`;
  let compared = 0;
  for (let times = 0; times < 1_500; times++) {
    const sql = scopes.statement();
    const { statements, error } = analyser.analyse(sql);
    if (error !== null) t.fail(`${error.message}: ${sql}`);
    const theirs = await locked(sql);
    const [statement] = statements;
    if (theirs === null || statement === undefined) continue;
    compared += 1;
    const written = new Set(statement.writes.map(name));
    const all = new Set([...written, ...statement.reads.map(name)]);
    const mine = { all: [...all].sort().join(' '), written: [...written].sort().join(' ') };
    if (mine.all !== theirs.all || mine.written !== theirs.written) t.strictSame(mine, theirs, sql);
  }
  t.ok(compared > 700, `${compared} were planned`);
});

t.test('functions called like columns', async (t) => {
  const analyser = new Analyser();
  const calls = async (sql: string, name: string) => {
    await client.query(sql);
    t.ok(analyser.analyse(sql).statements[0]?.functions.includes(name), sql);
  };
  await calls("select ('abc'::text).upper", 'upper');
  await calls("select (x.a).upper from (values ('abc'::text)) x (a)", 'upper');
  await calls("select x.upper from unnest(array['abc']) x", 'upper');
  await calls("select unnest.upper from unnest(array['abc'])", 'upper');
  await calls("select ('/'::text).pg_ls_dir", 'pg_ls_dir');
});
