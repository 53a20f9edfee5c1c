/** Result rows as the client got them, recorded and read again: real clients, a real server. */
import type { Socket } from 'node:net';
import type pg from 'pg';
import t, { type Test } from 'tap';
import { RowReplayer } from '../../../../src/protocols/postgres/recorded/replay.ts';
import type { Replayed } from '../../../../src/recording/replay.ts';
import { until } from '../../../until.ts';
import { startServer } from '../local-server.ts';
import { type Rig, rig } from '../rig.ts';

t.setTimeout(120_000);
const server = startServer();
t.teardown(() => server[Symbol.dispose]());
server.sql(`create table orders (id int primary key, customer text, paid boolean, amount numeric, placed timestamptz);
  insert into orders select n, 'customer ' || n, n % 2 = 0, n * 1.25, '2025-01-02 03:04:05.5+00' from generate_series(1, 3000) n;
  insert into orders values (9000, null, null, null, null);`);

async function events(made: Rig): Promise<Replayed[]> {
  const replayer = new RowReplayer();
  const all: Replayed[] = [];
  for (const record of await made.recordings.records()) all.push(...replayer.push(record));
  return [...all, ...replayer.rest()];
}

type Of<Type extends Replayed['type']> = Replayed & { type: Type };
const only = <Type extends Replayed['type']>(all: readonly Replayed[], type: Type, action?: number) =>
  all.filter((one): one is Of<Type> => one.type === type && (action === undefined || one.action === action));
const values = (all: readonly Replayed[], action?: number) =>
  only(all, 'row', action).map((row) => row.values);

async function recording(t: Test, kept: number): Promise<Rig> {
  const made = await rig(t, server);
  made.recordings.kept = kept;
  return made;
}

t.test('nothing is opened where nothing is to be recorded', async (t) => {
  const made = await recording(t, 0);
  t.equal((await made.psql('select 1; copy orders to stdout')).code, 0);
  t.same(made.recordings.all, []);
  t.notHas(made.recorded[0]?.result, { recorded: 0 });
});

t.test('psql: all rows as it got them', async (t) => {
  const made = await recording(t, Number.POSITIVE_INFINITY);
  const { out } = await made.psql(
    'select id, customer, paid from orders where id in (1, 2, 9000) order by id; update orders set amount = amount where id = 1; select 5 as five; select nope;',
  );
  t.equal(out, '1|customer 1|f\n2|customer 2|t\n9000||\n5\n');
  const all = await events(made);
  t.same(values(all), [['1', 'customer 1', 'f'], ['2', 'customer 2', 't'], ['9000', null, null], ['5']]);
  const [first, second] = only(all, 'result');
  t.match(first, { action: 1, limit: 'all', form: 'rows' });
  t.same(first?.columns, [
    { name: 'id', type: 23, numeric: true },
    { name: 'customer', type: 25, numeric: false },
    { name: 'paid', type: 16, numeric: false },
  ]);
  t.match(second, { action: 3, columns: [{ name: 'five' }] });
  t.same(
    only(all, 'end').map(({ action, rows }) => [action, rows]),
    [
      [1, 3],
      [3, 1],
    ],
  );
  t.same(
    made.recorded.map(({ result }) => result?.recorded),
    [3, 0, 1, 0],
    'the record says how many of them',
  );
  t.equal(made.recordings.all.length, 1, 'one recording for the connection');
});

t.test('the first rows alone, exactly, and the client gets every one', async (t) => {
  for (const limit of [1, 2, 100, 2999]) {
    const made = await recording(t, limit);
    const { out } = await made.psql('select id from orders where id <= 3000 order by id');
    t.equal(out.split('\n').length, 3001);
    const all = await events(made);
    const expected = Array.from({ length: limit }, (_, n) => [String(n + 1)]);
    t.same(values(all), expected);
    t.match(made.recorded[0]?.result, { rows: 3000, recorded: limit });
    t.match(only(all, 'end'), [{ rows: limit }]);
  }
});

t.test('what a policy says of a statement goes before what hopline.yaml says of all', async (t) => {
  const made = await recording(t, 0);
  made.record = ({ tables }) => ((tables as string[]).includes('orders') ? 2 : null);
  await made.psql('select 1; select id from orders order by id; select 2');
  t.same(values(await events(made)), [['1'], ['2']]);
});

t.test('node-postgres: parameters, formats and types', async (t) => {
  const made = await recording(t, Number.POSITIVE_INFINITY);
  const client = await made.client();
  const query = {
    text: `select id, customer, paid, amount, placed, id::int8 as big, id::float8 / 3 as f, null::int as none,
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as u, '{"a": [1]}'::jsonb as j, date '1999-12-31' as d,
      time '23:59:59.25' as t, '\\x00ff'::bytea as b, array[1, 2] as arr, oid '4294967295' as o,
      timestamp '0044-03-15 12:00:00 BC' as bc, 'infinity'::timestamp as inf, -1234567.089::numeric as n
      from orders where id = $1`,
    values: [7],
  };
  const text = await client.query(query);
  t.equal(text.rows[0].customer, 'customer 7');
  await client.query({ ...query, binary: true } as pg.QueryConfig);
  const all = await events(made);
  const [plain, binary] = values(all);
  const [shape] = only(all, 'result');
  t.equal(shape?.columns?.at(-1)?.name, 'n');
  const names = shape?.columns?.map(({ name }) => name) ?? [];
  const differ = names.filter((_, at) => plain?.[at] !== binary?.[at]);
  t.same(differ, ['arr'], 'arrays are kept as they came');
  t.same(plain?.slice(0, 4), ['7', 'customer 7', 'f', '8.75']);
  t.equal(binary?.[names.indexOf('arr')]?.slice(0, 2), '\\x');
  t.equal(binary?.[names.indexOf('bc')], '0044-03-15 12:00:00 BC');
});

t.test('a statement that is executed without being described is described for the record', async (t) => {
  const made = await recording(t, Number.POSITIVE_INFINITY);
  const client = await made.client();
  const named = { name: 'one', text: 'select id, customer from orders where id = $1' };
  for (const id of [1, 2, 3]) await client.query({ ...named, values: [id] });
  const all = await events(made);
  t.same(
    only(all, 'result').map(({ columns }) => columns?.map(({ name }) => name)),
    Array(3).fill(['id', 'customer']),
  );
  t.same(values(all), [
    ['1', 'customer 1'],
    ['2', 'customer 2'],
    ['3', 'customer 3'],
  ]);
});

t.test('cursors, suspended portals by turns, RETURNING, EXECUTE, EXPLAIN and SHOW', async (t) => {
  const made = await recording(t, Number.POSITIVE_INFINITY);
  await made.psql(`begin; declare c cursor for select id from orders order by id; fetch 2 from c; fetch 1 from c; commit;
    prepare p as select customer from orders where id = $1; execute p(3);
    update orders set paid = true where id = 5 returning id, paid; show client_encoding;`);
  const all = await events(made);
  t.same(values(all), [['1'], ['2'], ['3'], ['customer 3'], ['5', 't'], ['UTF8']]);
});

t.test('COPY TO STDOUT: text, csv and binary', async (t) => {
  const made = await recording(t, 3);
  await made.psql(`copy (select id, customer from orders where id < 6 order by id) to stdout;
copy (select id, customer from orders where id = 1) to stdout with (format csv, header);`);
  const client = await made.client();
  await client.query('copy (select 1) to stdout with (format binary)').catch(() => {});
  const all = await events(made);
  t.same(values(all).slice(0, 5), [
    ['1\tcustomer 1'],
    ['2\tcustomer 2'],
    ['3\tcustomer 3'],
    ['id,customer'],
    ['1,customer 1'],
  ]);
  t.match(values(all)[5]?.[0], /^\\x5047434f50590aff0d0a00/);
  t.same(
    only(all, 'result').map(({ form }) => form),
    ['copy', 'copy', 'copy'],
  );
  t.match(made.recorded[0]?.result, { rows: 5, recorded: 3 });
});

t.test('large rows and large results', async (t) => {
  const made = await recording(t, Number.POSITIVE_INFINITY);
  const { out } = await made.psql(
    "select n, repeat(chr(97 + n % 26), 100000) from generate_series(1, 60) n; select repeat('x', 3000000) as long; select 1 as after",
  );
  t.equal(out.length, 60 * 100_001 + 9 + 51 * 2 + 60 + 3_000_001 + 2);
  const all = await events(made);
  t.equal(values(all, 1).length, 60);
  t.ok(values(all, 1).every(([n, text]) => text === String.fromCharCode(97 + (Number(n) % 26)).repeat(1e5)));
  const [long] = only(all, 'row', 2);
  t.equal(long?.cut, true, 'what one reader holds of it');
  t.match(long?.values[0], /^x{1000000}/);
  t.same(values(all, 3), [['1']]);
  t.ok((made.recordings.all[0]?.segments.length ?? 0) > 20);
});

t.test('names and values in another encoding', async (t) => {
  const made = await recording(t, Number.POSITIVE_INFINITY);
  await made.psql('set client_encoding = \'LATIN1\'; select chr(233) as u&"caf\\00e9"');
  const all = await events(made);
  t.same(values(all), [['é']]);
  t.equal(only(all, 'result')[0]?.columns?.[0]?.name, 'café');
});

t.test('a recording that is full says so, and the session goes on', async (t) => {
  const made = await recording(t, Number.POSITIVE_INFINITY);
  made.recordings.most = 200_000;
  const sql = 'select n, md5(n::text) || md5((n * 3)::text) as m from generate_series(1, 60000) n';
  const { out } = await made.psql(`${sql}; select 1`);
  t.equal(out.split('\n').length, 60_002);
  const rows = only(await events(made), 'row');
  const [one] = made.recordings.all;
  const [, bytes, told] = /^cut at (\d+) bytes after (\d+) rows$/.exec(one?.ended ?? '') ?? [];
  t.ok(Number(bytes) >= 200_000 && Number(bytes) < 2_500_000, `${bytes} bytes`);
  t.ok(rows.length < 60_000);
  t.equal(rows.length, Number(told), 'so many rows');
  // The last may be cut itself.
  const whole = rows.filter(({ cut }, at) => !cut || at < rows.length - 1);
  t.same(
    whole.map((row) => Number(row.values[0])),
    whole.map((_, at) => at + 1),
    'and none left out before',
  );
  t.equal(made.recorded[0]?.result?.recorded, rows.length);
  t.equal(made.recorded[1]?.result?.recorded, 0);
});

t.test('no answer is shown before there is a recording', async (t) => {
  const made = await recording(t, 5);
  made.recordings.ready = false;
  const client = await made.client();
  let answered = false;
  const asked = client.query('select 1 as a').then(({ rows }) => {
    answered = true;
    return rows;
  });
  await until(() => made.recordings.all.length === 1, 'a recording is asked for');
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.equal(answered, false);
  made.recordings.all[0]?.writer.opened();
  t.same(await asked, [{ a: 1 }]);
});

t.test('what cannot be recorded ends, with words, or goes on', async (t) => {
  const made = await recording(t, 5);
  made.recordings.broken = 'the disk is full';
  const { err, out, code } = await made.psql('select 1');
  t.equal(code, 2);
  t.equal(out, '');
  t.match(
    err,
    /FATAL: {2}Hopline: this session is to be recorded, and that cannot be done: the disk is full/,
  );
  await until(() => made.ends.length === 1, 'the end');
  t.match(made.ends[0], { reason: /cannot be done: the disk is full/ });
  t.match(made.recorded[0]?.result, { recorded: 0 });
  const other = await recording(t, 5);
  other.recordings.broken = 'the disk is full';
  other.recordings.onFailure = 'continue';
  t.equal((await other.psql('select 1; select 2')).out, '1\n2\n');
  t.match(other.recorded, [{ result: { rows: 1, recorded: 0 } }, { result: { recorded: 0 } }]);
});

t.test('a failure in the middle of a result ends the session', async (t) => {
  const made = await recording(t, Number.POSITIVE_INFINITY);
  const asked = made.psql('select n, pg_sleep(0.001) from generate_series(1, 3000) n');
  await until(() => (made.recordings.all[0]?.segments.length ?? 0) > 0, 'a segment');
  made.recordings.all[0]?.writer.failed('the disk is full');
  const { code, err } = await asked;
  t.not(code, 0);
  t.match(
    err,
    /FATAL: {2}Hopline: this session is to be recorded, and that cannot be done: the disk is full/,
  );
  await until(() => made.ends.length === 1, 'the end');
  t.match(made.recorded[0]?.result, { error: 'the connection ended first' });
});

t.test(
  'a failure within a message: the client is told when that is over, and nothing is done meanwhile',
  async (t) => {
    const made = await recording(t, Number.POSITIVE_INFINITY);
    const client = await made.client();
    const socket = (client as unknown as { connection: { stream: Socket } }).connection.stream;
    const asked = client.query("select repeat('x', 40000000)");
    const told = asked.then(
      () => null,
      (error: Error) => error,
    );
    await until(() => (made.recordings.all[0]?.segments.length ?? 0) > 0, 'a segment');
    socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 500));
    made.recordings.all[0]?.writer.failed('the disk is full');
    client.query('create table not_run (n int)').catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 1500));
    t.equal(made.ends.length, 0, 'a client that is slow is waited for');
    socket.resume();
    t.match(await told, /Hopline: this session is to be recorded, and that cannot be done: the disk is full/);
    t.equal(server.sql("select to_regclass('not_run')"), '\n');
  },
);
