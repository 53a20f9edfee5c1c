/** postgres.js: pipelining, prepared or not, transactions, cursors, copies, notifications, large objects, cancel. */
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import postgres, { type PostgresError } from 'postgres';

const show = (what: string, value: unknown) =>
  console.log(
    what,
    JSON.stringify(value, (_, each) =>
      typeof each === 'bigint' ? `${each}n` : Object.is(each, -0) ? '-0' : each,
    ),
  );
const digest = (value: unknown) =>
  createHash('sha256')
    .update(Buffer.isBuffer(value) ? value : JSON.stringify(value))
    .digest('hex');
const failure = (asked: PromiseLike<unknown>) =>
  asked.then(
    () => 'no error',
    ({
      message,
      code,
      severity,
      detail,
      hint,
      position,
      schema_name,
      table_name,
      column_name,
      constraint_name,
      where,
      routine,
    }: PostgresError) => ({
      ...{
        message,
        code,
        severity,
        detail,
        hint,
        position,
        schema_name,
        table_name,
        column_name,
        constraint_name,
        where,
        routine,
      },
    }),
  );
const gather = async (stream: AsyncIterable<Buffer>) => {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const notices: unknown[] = [];
const options = {
  ssl: 'verify-full',
  onnotice: ({ message, code, detail }: postgres.Notice) => notices.push([message, code, detail]),
} as const;
const sql = postgres({ ...options, max: 1 });
const every = await sql`select * from every order by id`;
show(
  'columns',
  every.columns.map(({ name, type }) => [name, type < 16_384 ? type : 'own']),
);
show('every', [every.command, every.count, every]);
show(
  'raw',
  (await sql`select by, t, pr from every order by id`.raw()).map((row) =>
    (row as unknown as (Buffer | null)[]).map((each) => each?.toString('hex') ?? null),
  ),
);
show('values', await sql`select id, ia, ta, jb from every order by id`.values());
show(
  'parameters',
  await sql`select ${7}::int a, ${'8'}::bigint b, ${1.5}::float8 c, ${'Grüße'}::text d, ${Buffer.from([0, 255, 92])}::bytea e,
  ${new Date(1.7e12)}::timestamptz f, ${['a', '"']}::text[] g, ${sql.json({ a: [1] })}::jsonb h, ${null}::int i, ${true}::bool j`,
);
show(
  'pipelined',
  await Promise.all(
    Array.from({ length: 300 }, async (_, n) => (await sql`select ${n}::int * 2 as twice`)[0]?.twice),
  ),
);
show(
  'pipelined, one fails',
  await Promise.all([
    sql`select 1 as a`,
    failure(sql`select 1 / ${0}::int`),
    sql`select 2 as a`,
    failure(sql`select nope`),
    sql`select 3 as a`,
  ]),
);
show('unprepared', await sql.unsafe('select $1::int + 1 as n', [41], { prepare: false }));
show('simple', await sql`select 1 as a; select 2 as b`.simple());
show(
  'described',
  await sql`select id, name, note from parents where id = ${1}`
    .describe()
    .then(({ types, columns }) => [types, columns.map(({ name, type }) => [name, type])]),
);
show(
  'helpers',
  await sql`insert into scratch ${sql(
    [
      { id: 501, t: 'a' },
      { id: 502, t: null },
    ],
    'id',
    't',
  )} returning id, t`,
);
show('where', await sql`select id from scratch where id in ${sql([501, 502, 503])} ${sql`order by id desc`}`);
show(
  'updated',
  await sql`update scratch set ${sql({ t: 'b', v: 1.25 }, 't', 'v')} where id = ${501} returning ${sql(['id', 't', 'v'])}`,
);
const seen: unknown[] = [];
await sql`select id, body from wide order by id`.cursor(
  100,
  (rows) => void seen.push([rows.length, rows[0]?.id, digest(rows)]),
);
show('cursor', seen);
const few: unknown[] = [];
for await (const [row] of sql`select id from wide order by id`.cursor()) {
  few.push(row?.id);
  if (few.length === 5) break;
}
show('cursor left early', few);
let each = 0;
await sql`select id from wide`.forEach(() => {
  each += 1;
});
show('for each', each);
const wide = await sql`select n, repeat(md5(n::text), 200) as t from generate_series(1, 3000) n`;
show('20 MB', [wide.length, digest(wide)]);

show(
  'begun',
  await sql.begin('isolation level repeatable read', async (sql) => {
    await sql`insert into scratch (id, t) values (601, 'in')`;
    const failed = await sql
      .savepoint(async (sql) => {
        await sql`insert into scratch (id, t) values (602, 'gone')`;
        await sql`select 1 / 0`;
      })
      .catch(({ code }: PostgresError) => code);
    return [failed, await sql`select id, t from scratch where id between 600 and 610`];
  }),
);
show(
  'rolled back',
  await failure(
    sql.begin(async (sql) => {
      await sql`insert into scratch (id) values (603)`;
      await sql`insert into parents (name) values ('parent 1')`;
    }),
  ),
);
show(
  'prepared transaction',
  await sql.begin(async (sql) => {
    await sql`insert into scratch (id) values (604)`;
    await sql.prepare(`of ${process.env.PGDATABASE}`);
    return 'done';
  }),
);
show('committed', (await sql.unsafe(`commit prepared 'of ${process.env.PGDATABASE}'`)).command);
show('left', await sql`select id from scratch where id between 600 and 610 order by id`);
for (const asked of [
  sql`select * from nowhere`,
  sql.unsafe('selec'),
  sql`select ${'x'}::int`,
  sql`insert into children (parent, amount) values (1, ${-1})`,
  sql`insert into children (parent, amount) values (${12345}, 1)`,
  sql`select warns(${'fail'})`,
])
  show('failure', await failure(asked));
show('notices', notices);

const out = await gather(await sql`copy every to stdout`.readable());
show('copied out', [out.length, digest(out)]);
const binary = await gather(
  await sql`copy (select * from blobs order by id) to stdout with (format binary)`.readable(),
);
show('copied out, binary', [binary.length, digest(binary)]);
const into = await sql`copy scratch (id, t) from stdin`.writable();
await pipeline(
  (function* () {
    for (let n = 0; n < 50_000; n += 1) yield `${n + 10_000}\tline ${n} é\n`;
  })(),
  into,
);
show(
  'copied in',
  await sql`select count(*), md5(string_agg(t, ',' order by id)) from scratch where id >= 10000`,
);
show('and goes on', await sql`select 1 as a`);

const heard: unknown[] = [];
const { unlisten } = await sql.listen('things', (payload) => void heard.push(payload));
for (const payload of ['one', 'zwei ü', '']) await sql.notify('things', payload);
while (heard.length < 3) await sleep(20);
show('heard', heard);
await unlisten();
const object = await sql.largeObject(4242, 0x40000);
show('large object', [await object.size(), digest(await gather(await object.readable()))]);
await object.close();
const slow = sql`select pg_sleep(30)`;
const stopped = failure(slow);
await sleep(500);
slow.cancel();
show('cancelled', await stopped);
show('and goes on', await sql`select 2 as a`);
await sql.end();
const many = postgres({ ...options, max: 5 });
show(
  'pool',
  (await Promise.all(Array.from({ length: 100 }, (_, n) => many`select ${n}::int as n`))).map(
    ([row]) => row?.n,
  ),
);
await many.end();
const unprepared = postgres({ ...options, max: 1, prepare: false, fetch_types: false });
show(
  'never prepared',
  await Promise.all(
    Array.from({ length: 20 }, async (_, n) => (await unprepared`select ${n}::int + 1 as n`)[0]?.n),
  ),
);
await unprepared.end();
