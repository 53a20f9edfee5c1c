/**
 * Against a real server: what differs where only masked values differ was flagged; and what the server says
 * of columns.
 */
import t, { type Test } from 'tap';
import { traceStatement } from '../../../../src/protocols/postgres/lineage/index.ts';
import { loadParser } from '../../../../src/protocols/postgres/sql/parse.ts';
import { Random } from '../../../core/random.ts';
import { startServer } from '../local-server.ts';
import { Generator } from './generator.ts';
import { Names } from './names.ts';
import { catalogueFor, client, MARKER, masked, readSnapshot, SCHEMA } from './sample.ts';

const STATEMENTS = Number(process.env.LINEAGE_STATEMENTS ?? 1000);
const SEED = Number(process.env.LINEAGE_SEED ?? 1);

t.setTimeout(600_000);
await loadParser();
const server = startServer();
// Also where what follows throws.
process.once('exit', () => server[Symbol.dispose]());
server.sql('create database other');
server.sql(SCHEMA);
// The same in all but what is masked: other lengths, other letters, another order.
server.sql(
  `\\c other\n${SCHEMA.replaceAll(/SECRET-(\w+)-' \|\| i/g, "$1~' || (10 - i) || 'OTHER'").replaceAll('SECRET', 'else~')}`,
);
const [reader, db, other] = [client(server.path), client(server.path), client(server.path, 'other')];
for (const each of [reader, db, other]) await each.connect();
t.teardown(async () => {
  for (const each of [reader, db, other]) await each.end();
});
const snapshot = await readSnapshot(reader);
const catalogue = await catalogueFor(db, snapshot);

type Rows = readonly (readonly (string | null)[])[];

async function run(on: typeof db, sql: string) {
  await on.query('begin');
  try {
    const { fields, rows } = await on.query({ text: sql, rowMode: 'array' });
    return { fields, rows: rows as unknown as Rows };
  } finally {
    await on.query('rollback');
  }
}

const valuesOf = (rows: Rows, at: number): string => JSON.stringify(rows.map((row) => row[at]).sort());

interface Seen {
  statements: number;
  refused: number;
  otherRows: number;
  untraceable: number;
  columns: number;
  differing: number;
  flagged: number;
  needless: number;
}

/** Runs a statement in both databases and looks at each column. */
async function compare(t: Test, sql: string, seen: Seen, sameRows: boolean): Promise<void> {
  let here: Awaited<ReturnType<typeof run>>;
  let there: typeof here;
  try {
    here = await run(db, sql);
    there = await run(other, sql);
  } catch {
    seen.refused += 1;
    return;
  }
  seen.statements += 1;
  const traced = traceStatement(sql, catalogue, masked);
  if (traced.outcome !== 'columns') {
    if (sameRows) t.fail(`untraceable: ${sql}`);
    seen.untraceable += 1;
    return;
  }
  const names = here.fields.map(({ name }) => name);
  if (names.join() !== traced.columns.map(({ name }) => name).join()) t.fail(`other columns: ${sql}`);
  const comparable = here.rows.length === there.rows.length;
  if (!comparable && sameRows) t.fail(`other rows: ${sql}`);
  seen.otherRows += Number(!comparable);
  for (const [at, { origins, untraceable, direct, name }] of traced.columns.entries()) {
    seen.columns += 1;
    const differs = comparable && valuesOf(here.rows, at) !== valuesOf(there.rows, at);
    const marked = here.rows.some((row) => row[at]?.toUpperCase().includes(MARKER));
    const flagged = origins.length > 0 || untraceable !== null;
    if ((differs || marked) && !flagged) t.fail(`${name} was cleared: ${sql}`);
    seen.differing += Number(differs || marked);
    seen.flagged += Number(flagged);
    seen.needless += Number(flagged && comparable && !differs && !marked && here.rows.length > 0);
    const field = here.fields[at];
    const relation = field === undefined ? undefined : snapshot.relations.get(field.tableID);
    // Of a view the server names the view, which is followed here.
    if (direct === null || relation === undefined || relation.kind === 'view' || relation.kind === 'matview')
      continue;
    if (direct.relation !== field?.tableID || direct.attnum !== field.columnID)
      t.fail(`${name} is another column to the server: ${sql}`);
  }
}

async function many(t: Test, statements: number, make: () => string, sameRows: boolean): Promise<Seen> {
  const seen: Seen = {
    statements: 0,
    refused: 0,
    otherRows: 0,
    untraceable: 0,
    columns: 0,
    differing: 0,
    flagged: 0,
    needless: 0,
  };
  for (let at = 0; at < statements; at++) await compare(t, make(), seen, sameRows);
  t.comment(seen);
  return seen;
}

t.test('no column that depends on masked values is cleared', async (t) => {
  const generator = new Generator(new Random(SEED));
  const seen = await many(t, STATEMENTS, () => generator.statement(), true);
  t.ok(seen.statements > STATEMENTS * 0.7, `${seen.statements} of ${STATEMENTS} statements ran`);
  t.ok(seen.differing > seen.columns * 0.2, `${seen.differing} of ${seen.columns} columns depended on them`);
});

t.test('nor where names shadow each other', async (t) => {
  const generator = new Names(new Random(SEED));
  const seen = await many(t, STATEMENTS * 4, () => generator.statement(), false);
  t.ok(seen.statements > STATEMENTS * 0.5, `${seen.statements} of ${STATEMENTS * 4} statements ran`);
  t.ok(seen.differing > seen.columns * 0.1, `${seen.differing} of ${seen.columns} columns depended on them`);
});

t.test('a column that is a table’s own is the one that the server says', async (t) => {
  const shapes = (table: string): string[] => [
    `select * from ${table}`,
    `select zz.* from ${table} as zz`,
    `select * from (select * from ${table}) q`,
    `with q as (select * from ${table}) select * from q`,
    `select * from ${table} a left join ${table} b on true`,
    `select distinct zz.* from ${table} zz`,
    `select (zz).* from ${table} zz`,
  ];
  let columns = 0;
  for (const { schema, name, kind } of snapshot.relations.values()) {
    if (!['public', 'hr'].includes(schema) || !['table', 'partitioned', 'matview'].includes(kind)) continue;
    if (name === 'orders' && kind === 'table') continue;
    for (const sql of shapes(`${schema}.${name}`)) {
      const { fields } = await run(db, `${sql} limit 0`.replace('limit 0', 'limit 0'));
      const traced = traceStatement(sql, catalogue, masked);
      if (traced.outcome !== 'columns') {
        t.fail(`${traced.outcome}: ${sql}`);
        continue;
      }
      t.strictSame(
        traced.columns.map((column) => column.name),
        fields.map((field) => field.name),
        sql,
      );
      for (const [at, { direct, origins }] of traced.columns.entries()) {
        const field = fields[at];
        columns += 1;
        // A matview is followed to what it was made of; a generated column to what it reads.
        if (kind === 'matview' || (direct === null && origins.length > 0)) continue;
        t.match(direct, { relation: field?.tableID, attnum: field?.columnID }, `${sql}, column ${at + 1}`);
      }
    }
  }
  t.ok(columns > 300, `${columns} columns`);
});
