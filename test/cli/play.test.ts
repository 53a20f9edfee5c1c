/** `hopline play` and `hopline recordings` against a store and files of their own. */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WatchHub } from '../../src/api/watch.ts';
import { Recordings } from '../../src/daemon/recordings.ts';
import { StoreRecorder } from '../../src/daemon/store-recorder.ts';
import { encode } from '../../src/protocols/postgres/encode.ts';
import { dataRow } from '../../src/protocols/postgres/encode-backend.ts';
import { Kept } from '../../src/protocols/postgres/recorded/records.ts';
import { Batch } from '../../src/recording/batch.ts';
import type { Reader } from '../../src/store/reader.ts';
import { allow, hop, id, T0 } from '../store/seed.ts';
import { run, serving } from './serving.ts';

t.setTimeout(180_000);
const HOP = id(60);

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const columns = (...names: [string, number][]) => names.map(([name, type]) => [name, type, 0]);
const shape = (given: unknown, limit: number | 'all' = 'all') =>
  Buffer.from(JSON.stringify({ limit, form: 'rows', encoding: 'UTF8', columns: given, copy: null }));
const row = (...values: (string | null)[]) =>
  encode(
    dataRow,
    values.map((value) => (value === null ? null : Buffer.from(value))),
  );

interface Statement {
  readonly sql: string;
  /** Seconds after the first. */
  readonly at?: number;
  readonly detail?: Record<string, unknown>;
  /** Null: its end is not on record. */
  readonly result?: Record<string, unknown> | null;
  readonly deny?: string;
}

type Written = readonly [type: number, action: number, bytes: Buffer];

interface Options {
  readonly reason?: string | null;
  /** Null: it is still open. */
  readonly ended?: false;
  readonly keepDays?: number;
}

async function playing(
  t: Test,
  statements: readonly Statement[],
  records: readonly Written[] | null,
  options: Options = {},
) {
  const directory = t.testdir();
  let reading: Recordings | null = null;
  let store: Reader | null = null;
  const served = await serving(t, {
    'recording.read': async ({ id: of, offset, limit }) => {
      const recording = (store as Reader).recording(of);
      const bytes = await (reading as Recordings).read(recording, offset, Math.min(limit ?? 100, 100));
      return { bytes: bytes.toString('base64'), ended: true };
    },
  });
  const { writer, reader } = served;
  store = reader;
  writer.insertHop(hop({ id: HOP, started: T0 + 60_000_000, chain: ['bash', 'psql'] }));
  for (const [
    index,
    { sql, at = 0, detail = {}, result = { rows: 0, milliseconds: 1.5 }, deny },
  ] of statements.entries()) {
    const seq = index + 1;
    const began = T0 + 60_000_000 + Math.round(at * 1e6);
    const decision = deny === undefined ? allow : { ...allow, outcome: 'deny' as const, reason: deny };
    const recorded = JSON.stringify({ statement: sql, ...detail });
    writer.insertAction({
      hop: HOP,
      seq,
      kind: 'query',
      at: began,
      subject: 'select',
      detail: recorded,
      decision,
    });
    if (result !== null)
      writer.insertActionEnd(HOP, seq, { at: began + 1000, detail: JSON.stringify(result) });
  }
  const clock = { now: T0 + 60_000_000 };
  const errors: Error[] = [];
  const onError = (error: Error) => errors.push(error);
  const record = new StoreRecorder({ reader, writer, watch: new WatchHub(), nextProcessId: 9, onError });
  const archive = new Recordings({
    ...{ directory, record, reader, onError },
    settings: () => ({ onFailure: 'end', keepDays: options.keepDays ?? null }),
    now: () => clock.now,
  });
  reading = archive;
  const path = () => join(directory, reader.recordings({ hop: HOP })[0]?.file ?? '');
  if (records !== null) {
    const open = await archive.open({ hop: HOP }, 'rows');
    for (const [type, action, bytes] of records) {
      // A segment for each: pages and segments lie across each other.
      const batch = new Batch(performance.now());
      batch.add(type, u32(action), bytes, performance.now());
      await open.segment({ at: clock.now, codec: 0, raw: batch.length, bytes: batch.bytes });
    }
    if (options.ended !== false) await open.end(options.reason ?? null);
    record.flush();
  }
  const play = (...args: string[]) => run(served.path, ['play', HOP, ...args]);
  return { ...served, archive, record, clock, file: path, play, errors };
}

const ORDERS = columns(['id', 23], ['customer', 25]);
const TWO: Statement[] = [
  {
    sql: 'select id, customer\nfrom orders',
    result: { rows: 3, milliseconds: 12.34, recorded: 3, tag: 'SELECT 3' },
  },
  { sql: 'select 1', result: { rows: 1, milliseconds: 0.4, recorded: 1, tag: 'SELECT 1' } },
];
const TWO_RECORDS: Written[] = [
  [Kept.result, 1, shape(ORDERS)],
  [Kept.rows, 1, Buffer.concat([row('1', 'alice'), row('20', null), row('300', 'x\u001b[31m\ny')])],
  [Kept.end, 1, u32(3)],
  [Kept.result, 2, shape(columns(['?column?', 23]))],
  [Kept.rows, 2, row('1')],
  [Kept.end, 2, u32(1)],
];

t.test('statements with their rows, as psql shows them', async (t) => {
  const { play } = await playing(t, TWO, TWO_RECORDS);
  const { out, code, err } = await play();
  t.equal(code, 0);
  t.equal(err, '');
  const lines = out.split('\n').map((line) => line.trimEnd());
  t.match(lines[0], /^2026-09-21 14:14:20 {2}\[L \w+\] {2}→ orders-db .* allow .* 2 actions$/);
  t.equal(lines[1], 'bash › psql');
  t.same(lines.slice(2), [
    '',
    '14:14:20.000  #1  allow  12.3 ms  SELECT 3',
    '  select id, customer',
    '  from orders',
    '   id  | customer',
    '  -----+------------',
    '     1 | alice',
    '    20 | NULL',
    '   300 | x\\e[31m\\ny',
    '  (3 rows)',
    '',
    '14:14:20.000  #2  allow  0.4 ms  SELECT 1',
    '  select 1',
    '   ?column?',
    '  ----------',
    '          1',
    '  (1 row)',
    '',
  ]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the test
  t.notMatch(out, /\u001b/, 'no colour in a pipe');
});

t.test('JSON, a value a line', async (t) => {
  const { play } = await playing(t, TWO, TWO_RECORDS);
  const { out } = await play('--json');
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.same(
    lines.map(({ type }) => type),
    'hop statement result row row row end statement result row end recording'.split(' '),
  );
  t.match(lines[0], { id: HOP, recordings: [{ id: `${HOP}-1`, kind: 'rows' }] });
  t.match(lines[1], { seq: 1, result: { rows: 3 } });
  t.match(lines[2], { action: 1, limit: 'all', columns: [{ name: 'id', type: 23, numeric: true }, {}] });
  t.same(lines[5].values, ['300', 'x\u001b[31m\ny'], 'JSON keeps every character');
  t.match(lines[5].at, /^2026-09-21T14:14:20\.\d{3}Z$/);
  t.match(lines.at(-1), { id: `${HOP}-1`, damage: null, missing: null });
});

t.test('what is wide is cut with a sign, unless all of it is wanted', async (t) => {
  const long = 'é'.repeat(500);
  const records: Written[] = [
    [Kept.result, 1, shape(columns(['a', 25], ['b', 25]))],
    [Kept.rows, 1, Buffer.concat([row(long, 'end'), row('漢字'.repeat(40), '')])],
    [Kept.end, 1, u32(2)],
  ];
  const statement = { sql: `select '${'x'.repeat(9000)}'`, result: { rows: 2, recorded: 2 } };
  const { play } = await playing(t, [statement], records);
  const { out } = await play();
  t.match(out, ` ${'é'.repeat(59)}… | end`);
  t.match(out, ` ${'漢字'.repeat(14)}漢… `);
  t.match(out, /^ {2}select 'x{3992}…$/m);
  t.match((await play('--width', '10')).out, ` ${'é'.repeat(9)}… | end`);
  const full = (await play('--full')).out;
  t.match(full, ` ${long} | end`);
  t.match(full, `select '${'x'.repeat(9000)}'`);
});

t.test('what is masked, denied, bound, cut, or not recorded is told', async (t) => {
  const statements: Statement[] = [
    {
      sql: 'select email from orders where id = $1',
      detail: { parameters: ['7', null], masked: ['public.orders.email'] },
      result: { rows: 5000, recorded: 2, milliseconds: 3 },
    },
    { sql: 'drop table orders', deny: 'no-drops forbids it', result: { error: 'denied' } },
    { sql: 'select nope', result: { error: { code: '42703', message: 'no column "nope"' } } },
    { sql: 'select 2', detail: { wouldMask: ['public.a.b'] }, result: { rows: 9, milliseconds: 1 } },
    { sql: 'update orders set id = 1', result: { rows: 9, tag: 'UPDATE 9' } },
    { sql: 'select 3', result: { rows: 4, recorded: 0, masked: ['public.held.c'] } },
    { sql: 'select 4', result: null },
  ];
  const records: Written[] = [
    [Kept.result, 1, shape(columns(['email', 25]), 2)],
    [Kept.rows, 1, Buffer.concat([row('***'), row('***')])],
    [Kept.end, 1, u32(2)],
  ];
  const { play } = await playing(t, statements, records, { reason: 'cut at 500 bytes after 2 rows' });
  const { out, code } = await play();
  t.equal(code, 0);
  t.match(out, "$1 = '7'\n  $2 = NULL\n");
  t.match(out, '  masked: public.orders.email\n');
  t.match(out, ' ***\n  (the first 2 of 5,000 rows recorded)\n');
  t.match(out, /#2 {2}deny {2}denied\n {2}drop table orders\n {2}no-drops forbids it\n/);
  t.match(out, 'ERROR 42703: no column "nope"');
  t.match(out, '  would be masked: public.a.b\n  (9 rows, none recorded)\n');
  t.match(out, 'UPDATE 9\n  update orders set id = 1\n\n');
  t.match(out, '  select 3\n  masked: public.held.c\n  (4 rows, none recorded)\n');
  t.match(out, /#7 {2}allow {2}its end is not on record\n {2}select 4\n/);
  t.match(out, new RegExp(`recording ${HOP}-1 \\(\\d+ B\\): cut at 500 bytes after 2 rows\n`));
});

t.test('a worker that was killed in the middle of a result', async (t) => {
  const half = row('3', 'carol').subarray(0, 14);
  const records: Written[] = [
    [Kept.result, 1, shape(ORDERS)],
    [Kept.rows, 1, Buffer.concat([row('1', 'alice'), row('2', 'bob'), half])],
  ];
  const { play } = await playing(t, [{ sql: 'select 1', result: null }], records, {
    reason: 'the worker ended first',
  });
  const { out } = await play();
  t.match(out, / 1 \| alice\n +2 \| bob\n +3 \| …\n {2}\(3 rows recorded; how many there were is not\)\n/);
  t.match(out, 'the worker ended first');
});

t.test('portals that give their rows by turns', async (t) => {
  const records: Written[] = [
    [Kept.result, 1, shape(columns(['a', 25]))],
    [Kept.rows, 1, row('a1')],
    [Kept.result, 2, shape(columns(['b', 25]))],
    [Kept.rows, 2, row('b1').subarray(0, 7)],
    [Kept.rows, 1, row('a2')],
    [Kept.end, 1, u32(2)],
    [Kept.rows, 2, Buffer.concat([row('b1').subarray(7), row('b2')])],
    [Kept.end, 2, u32(2)],
  ];
  const result = { rows: 2, recorded: 2 };
  const { play } = await playing(
    t,
    [
      { sql: 'A', result },
      { sql: 'B', result },
    ],
    records,
  );
  const { out } = await play();
  t.match(
    out.replace(/ +$/gm, ''),
    /#1 .*\n {2}A\n {3}a\n {2}-+\n {3}a1\n\n.*#2 .*\n {2}B\n\n {2}rows of #1:\n {3}a\n {2}-+\n {3}a2\n {2}\(2 rows\)\n\n {2}rows of #2:\n {3}b\n {2}-+\n {3}b1\n {3}b2\n {2}\(2 rows\)\n/,
  );
});

t.test('a recording that is not what was recorded', async (t) => {
  const { play, file } = await playing(t, TWO, TWO_RECORDS);
  const good = readFileSync(file());
  const bad = Buffer.from(good);
  const at = good.indexOf('alice');
  bad[at] = 'm'.charCodeAt(0);
  writeFileSync(file(), bad);
  const damaged = await play();
  t.equal(damaged.code, 1);
  t.match(damaged.out, /recording \w+-1 \(\d+ B\): segment 2 at byte \d+ is not what was written/);
  t.match(damaged.out, 'select 1', 'and the statements are told all the same');
  writeFileSync(file(), good.subarray(0, good.length - 1));
  const short = await play();
  t.equal(short.code, 1);
  t.match(short.out, 'its SHA-256 is another');
  writeFileSync(file(), good);
  appendFileSync(file(), 'more');
  t.equal((await play()).code, 0, 'what is behind its end is none of it');
});

t.test('recordings: what there is, what is open, what is gone', async (t) => {
  const made = await playing(t, TWO, TWO_RECORDS, { ended: false, keepDays: 3 });
  const { play, path, archive, clock, record } = made;
  t.match((await play()).out, 'it is still being recorded');
  t.match((await run(path, ['recordings'])).out, /STARTED .*\n.* \w+-1 +rows +being recorded\n/);
  const more = await archive.open({ hop: HOP }, 'film');
  await more.end(null);
  record.flush();
  const { err, code } = await play();
  t.equal(code, 0);
  t.match(err, /recording \w+-2 is of the kind "film", which is not played here/);
  t.match((await run(path, ['recordings', '--kind', 'film'])).out, /-2 +film +0 ms +\d+ B +whole\n/);
  clock.now += 4 * 86_400_000_000;
  await archive.prune();
  t.match(
    (await run(path, ['recordings', '--hop', HOP])).out,
    /-2 .* removed 2026-09-25 .*: kept for 3 days\n/,
  );
  t.match((await run(path, ['recordings', '--target', 'web1'])).out, 'no such recordings');
  t.equal(JSON.parse((await run(path, ['recordings', '--json', '--limit', '1'])).out).length, 1);
  t.same(made.errors, []);
});

t.test('a hop without recordings, one of its recordings, and none', async (t) => {
  const { play, path } = await playing(t, TWO, null);
  const { out, err, code } = await play();
  t.equal(code, 0);
  t.match(err, /rows of its results were not recorded/);
  t.match(out, '  from orders\n  (3 rows; what was recorded of them is not there)\n');
  t.equal((await run(path, ['play', `${HOP}-1`])).code, 4);
  t.equal((await run(path, ['play', 'ZZZZZZ'])).code, 4);
  t.match((await run(path, ['play', id(51)])).err, 'nothing is recorded but the connection');
  t.equal((await run(path, ['play'])).code, 2);
  const other = await playing(t, TWO, TWO_RECORDS);
  t.match((await run(other.path, ['play', `${HOP.slice(0, 10).toLowerCase()}-1`])).out, '(3 rows)');
});

t.test('more statements than a page has', async (t) => {
  const statements = Array.from({ length: 1203 }, (_, n) => ({ sql: `select ${n}` }));
  const { play } = await playing(t, statements, null);
  const { out } = await play('--json');
  const seqs = out
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line).seq);
  t.same(
    seqs,
    statements.map((_, n) => n + 1),
  );
});

t.test('waiting, where that is asked for', async (t) => {
  const statements = [0, 3, 63].map((at) => ({ sql: `select ${at}`, at }));
  const { play } = await playing(t, statements, null);
  const took = async (...args: string[]) => {
    const since = performance.now();
    t.equal((await play(...args)).code, 0);
    return performance.now() - since;
  };
  const base = await took();
  t.ok((await took('--speed', '30')) > 2000, 'a minute in two seconds');
  const short = await took('--skip-idle', '0.5');
  t.ok(short > 1000 && short < base + 4000, `${short}`);
  const both = await took('--speed', '100x', '--skip-idle', '5');
  t.ok(both < base + 2000, `${both}`);
  for (const wrong of [
    ['--speed', '0'],
    ['--speed', 'fast'],
    ['--skip-idle', 'long'],
    ['--width', '1'],
  ])
    t.equal((await play(...wrong)).code, 2, wrong.join(' '));
});
