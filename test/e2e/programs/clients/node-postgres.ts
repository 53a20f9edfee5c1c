/** node-postgres: pool, prepared statements, both formats, batches, notifications, cancel. Prints the same wherever it runs. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg, { type Client, type DatabaseError } from 'pg';

const show = (what: string, value: unknown) =>
  console.log(
    what,
    JSON.stringify(value, (_, each) =>
      typeof each === 'bigint' ? `${each}n` : Object.is(each, -0) ? '-0' : each,
    ),
  );
const told = ({
  message,
  code,
  severity,
  detail,
  hint,
  position,
  schema,
  table,
  column,
  constraint,
  where,
  routine,
}: DatabaseError) => ({
  ...{ message, code, severity, detail, hint, position, schema, table, column, constraint, where, routine },
});
const failure = (asked: Promise<unknown>) => asked.then(() => 'no error', told);

const client = new pg.Client();
const notices: unknown[] = [];
client.on('notice', ({ message, code, detail, hint, severity }) =>
  notices.push({ message, code, detail, hint, severity }),
);
await client.connect();
// Of every kind, as text and as the driver reads it, and in the binary format.
const every = await client.query('select * from every order by id');
show(
  'fields',
  every.fields.map(({ name, dataTypeID, dataTypeSize, format }) => [
    name,
    dataTypeID < 16_384 ? dataTypeID : 'own',
    dataTypeSize,
    format,
  ]),
);
show('every', [every.command, every.rowCount, every.rows]);
show(
  'binary',
  (
    await client.query({
      text: 'select t, vc, c, nm from every where id < $1 order by id',
      values: [3],
      binary: true,
      rowMode: 'array',
    } as pg.QueryConfig)
  ).rows,
);
const parameters = [
  7,
  '8',
  1.5,
  'Grüße',
  Buffer.from([0, 255, 92]),
  new Date(1.7e12),
  ['a', null, '"'],
  { a: [1] },
  null,
  true,
];
show(
  'parameters',
  (
    await client.query(
      'select $1::int a, $2::bigint b, $3::float8 c, $4::text d, $5::bytea e, $6::timestamptz f, $7::text[] g, $8::jsonb h, $9::int i, $10::bool j',
      parameters,
    )
  ).rows,
);
for (const name of ['alpha', 'beta', 'gamma'])
  show(
    'prepared',
    (
      await client.query({
        name: 'one',
        text: 'select upper($1) as u, count(*) from parents where name < $1',
        values: [name],
      })
    ).rows,
  );
show(
  'several',
  (
    (await client.query(
      "select 1 as a; select 2 as b, 'x' as c; create temp table gone (n int); insert into gone values (1), (2); select from gone",
    )) as unknown as pg.QueryResult[]
  ).map(({ command, rowCount, rows }) => [command, rowCount, rows]),
);
show('empty', [(await client.query('')).command, (await client.query('  -- nothing\n')).rows]);
const batches = (
  await client.query({ text: 'select id, body from wide order by id', rows: 100 } as pg.QueryConfig)
).rows;
show('in batches', [batches.length, createHash('sha256').update(JSON.stringify(batches)).digest('hex')]);
const large = (
  await client.query("select $1::int as n, repeat('ab', 5000) as t from generate_series(1, 2000)", [1])
).rows;
show('rows of 20 MB', [large.length, createHash('sha256').update(JSON.stringify(large)).digest('hex')]);
show('long parameter', (await client.query('select length($1), md5($1)', ['y'.repeat(900_000)])).rows);

await client.query('begin');
show(
  'insert',
  (await client.query('insert into parents (name) values ($1) returning name, note', ['of node'])).rows,
);
show('in failure', await failure(client.query('insert into parents (name) values ($1)', ['of node'])));
show('aborted', await failure(client.query('select 1 as after')));
show('rollback', (await client.query('rollback')).command);
for (const [text, values] of [
  ['select nope from every', []],
  ['select * from nowhere where id = $1', [1]],
  ['selec', []],
  ['select $1::int', ['x']],
  ['select 1 / $1::int', [0]],
  ['insert into children (parent, amount) values ($1, $2)', [1, -1]],
  ['insert into children (parent, amount) values ($1, $2)', [12_345, 1]],
  ['insert into every (id, po) values (77, $1)', [0]],
  ['select warns($1)', ['fail']],
  ['select $1', []],
  ['select $2::int', [1]],
] as const)
  show(text, await failure(client.query(text, [...values])));
show('warned', (await client.query('select warns($1)', ['fine'])).rows);
show('notices', notices);

const listener = new pg.Client();
await listener.connect();
const heard: unknown[] = [];
listener.on('notification', ({ channel, payload }) => heard.push([channel, payload]));
await listener.query('listen "Odd channel"');
for (const payload of ['one', 'zwei ü', ''])
  await client.query("select pg_notify('Odd channel', $1)", [payload]);
while (heard.length < 3) await sleep(20);
show('heard', heard);
await listener.query('unlisten *');

const slow = new pg.Client();
await slow.connect();
const pending = failure(slow.query('select pg_sleep(30)'));
await sleep(500);
const {
  rows: [{ pid }],
} = await client.query(
  "select pid from pg_stat_activity where query = 'select pg_sleep(30)' and datname = current_database()",
);
show('cancelled by SQL', (await client.query('select pg_cancel_backend($1) as done', [pid])).rows);
show('cancelled', await pending);
const again = failure(slow.query('select pg_sleep(31)'));
await sleep(300);
const other = new pg.Client() as Client & { cancel(of: unknown, query: unknown): void };
const running = slow as Client & { _getActiveQuery?(): unknown; activeQuery?: unknown };
other.cancel(running, running._getActiveQuery?.() ?? running.activeQuery);
show('cancelled by a request', await again);
show('and goes on', (await slow.query('select 5 as five')).rows);
const ended = new Promise((resolve) => slow.once('end', resolve));
slow.on('error', () => {});
const killed = failure(slow.query('select pg_terminate_backend(pg_backend_pid())'));
show('terminated', [await killed, (await ended) === undefined]);

const pool = new pg.Pool({ max: 4 });
const answers = await Promise.all(
  Array.from(
    { length: 200 },
    async (_, n) =>
      (await pool.query({ name: `q${n % 5}`, text: `select ${n % 5} + $1::int as sum`, values: [n] })).rows[0]
        .sum,
  ),
);
show('pool', answers);
await pool.end();
show('copy is not for this driver', await failure(client.query('copy every to stdout')));
await listener.end();
await client.end();
