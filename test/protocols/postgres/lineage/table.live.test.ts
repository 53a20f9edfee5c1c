/** Statements with the origins that are expected of each, and what a real server makes of them. */
import t from 'tap';
import {
  type Masked,
  touchesMasked,
  traceStatement,
} from '../../../../src/protocols/postgres/lineage/index.ts';
import { loadParser } from '../../../../src/protocols/postgres/sql/parse.ts';
import { startServer } from '../local-server.ts';
import type { Case } from './cases/case.ts';
import { QUERIES } from './cases/queries.ts';
import { SOURCES } from './cases/sources.ts';
import { WRITES } from './cases/writes.ts';
import { catalogueFor, client, MARKER, masked, readSnapshot, SCHEMA, summary } from './sample.ts';

t.setTimeout(120_000);
await loadParser();
const server = startServer();
// Also where what follows throws.
process.once('exit', () => server[Symbol.dispose]());
server.sql(SCHEMA);
const [reader, db] = [client(server.path), client(server.path)];
await reader.connect();
await db.connect();
t.teardown(async () => {
  await reader.end();
  await db.end();
});
const snapshot = await readSnapshot(reader);
const catalogue = await catalogueFor(db, snapshot);

const TABLES: Readonly<Record<string, readonly Case[]>> = {
  queries: QUERIES,
  sources: SOURCES,
  writes: WRITES,
};

for (const [name, cases] of Object.entries(TABLES)) {
  t.test(name, async (t) => {
    for (const [sql, expected, terms = {}] of cases) {
      const traced = traceStatement(sql, catalogue, masked);
      const got = summary(traced, catalogue);
      if (got !== expected)
        t.fail(`${sql}\n  got      ${got}\n  expected ${expected}\n  ${JSON.stringify(traced)}`, {
          at: null,
          stack: '',
        });
      const found = traced.outcome === 'untraceable' || /[~=?!]/.test(got.replaceAll('?column?', ''));
      if (found && !touchesMasked(sql, catalogue, masked)) t.fail(`touchesMasked denies it: ${sql}`);
      if (terms.newer || terms.unrun) continue;
      await db.query('begin');
      try {
        const result = await db.query({ text: sql, rowMode: 'array', values: [...(terms.parameters ?? [])] });
        if (terms.fails && !terms.mayPass) t.fail(`the server takes it: ${sql}`);
        if (traced.outcome === 'columns' && !/^\s*(?:declare|prepare)/i.test(sql)) {
          const names = result.fields.map((field) => field.name);
          t.strictSame(
            names,
            traced.columns.map((column, at) => column.name ?? names[at]),
            `names of ${sql}`,
          );
          for (const row of result.rows as unknown as (string | null)[][])
            row.forEach((value, at) => {
              const column = traced.columns[at];
              const flagged =
                column === undefined || column.origins.length > 0 || column.untraceable !== null;
              if (value?.includes(MARKER) && !flagged) t.fail(`column ${at + 1} was cleared: ${sql}`);
            });
        } else if (traced.outcome === 'none' && result.fields?.length > 0) t.fail(`it returns rows: ${sql}`);
      } catch (error) {
        if (!terms.fails?.test((error as Error).message)) t.fail(`${(error as Error).message}: ${sql}`);
      } finally {
        await db.query('rollback');
      }
    }
    t.pass(`${cases.length} statements`);
  });
}

t.test('system catalogues can have masked columns too', async (t) => {
  const passwords: Masked = ({ name, columns }, attnum) =>
    name === 'pg_authid' && columns.find((column) => column.attnum === attnum)?.name === 'rolpassword';
  const trace = (sql: string) => summary(traceStatement(sql, catalogue, passwords), catalogue);
  const from = 'pg_catalog.pg_authid.rolpassword';
  t.equal(trace('select rolname, rolpassword from pg_authid'), `rolname, rolpassword=${from}`);
  t.equal(trace('select usename, passwd from pg_shadow'), `usename, passwd=${from}`);
  t.equal(trace('select rolname, rolpassword from pg_roles'), 'rolname, rolpassword');
});

t.test('of the views that the server has, those that show no rows of tables are clear', async (t) => {
  const unclear = new Set<string>();
  let views = 0;
  for (const { schema, name, kind, columns } of snapshot.relations.values()) {
    if (kind !== 'view' || !['pg_catalog', 'information_schema'].includes(schema)) continue;
    views += 1;
    const traced = traceStatement(`select * from ${schema}.${name}`, catalogue, masked);
    if (traced.outcome !== 'columns') t.fail(`${name} is ${traced.outcome}`);
    else if (traced.columns.length !== columns.length) t.fail(`${name} has other columns`);
    else if (traced.columns.some(({ untraceable }) => untraceable !== null)) unclear.add(name);
  }
  t.ok(views > 100, `${views} views`);
  t.strictSame([...unclear].sort(), [
    'pg_file_settings',
    'pg_hba_file_rules',
    'pg_ident_file_mappings',
    'pg_stat_activity',
    'pg_stat_wal_receiver',
    'pg_stats',
    'pg_stats_ext',
    'pg_stats_ext_exprs',
  ]);
});
