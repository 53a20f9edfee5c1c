// Rows of results as people saw them: recorded by policy, played again, after crashes and on full disks as well.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ActionJson, HopJson, RecordingJson } from '../../src/api/json.ts';
import type { Status } from '../../src/api/protocol.ts';
import {
  exclusively,
  hopline,
  lab,
  labUp,
  mark,
  notices,
  programs,
  rootOf,
  type Said,
  service,
  ssh,
  until,
  waitForHop,
} from './support.ts';
import { HOST, under } from './under.ts';

t.before(labUp);
t.setTimeout(1_200_000);

const RECORDINGS = '/var/lib/hopline/recordings';
const yaml = (recording: string) => ({
  'hopline.yaml': (text: string) => `${text}\nrecording: ${recording}\n`,
});

function psql(word: string, sql: string): Promise<Said> {
  return ssh('alice', HOST, `: ${word}; psql -XAtq -h db1 -d orders`, { input: sql });
}

interface Line {
  readonly type: string;
  readonly [key: string]: unknown;
}

interface Played {
  readonly hop: HopJson & { readonly recordings: readonly RecordingJson[] };
  readonly lines: readonly Line[];
  /** The values of each row, a `|` between them as psql has it. */
  readonly rows: readonly string[];
  readonly statements: readonly ActionJson[];
  readonly code: number;
}

async function play(hop: string): Promise<Played> {
  const { out, err, code } = await hopline(HOST, ['--json', 'play', hop]);
  if (code > 1) throw new Error(`play ${hop}: ${err}`);
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  return {
    hop: lines[0] as unknown as Played['hop'],
    lines,
    rows: lines
      .filter(({ type }) => type === 'row')
      .map(({ values }) => (values as (string | null)[]).map((value) => value ?? '').join('|')),
    statements: lines.filter(({ type }) => type === 'statement') as unknown as ActionJson[],
    code,
  };
}

/** Once what is recorded of a hop, where it is, has ended too. */
async function recordedWhole(hop: string): Promise<void> {
  await until(async () => {
    const recording = await recordingOf(hop);
    return recording === undefined || recording.ended !== null;
  }, `the end of the recording of ${hop}`);
}

/** The hop of the login with this mark, once it has ended. */
async function ended(word: string): Promise<HopJson> {
  const { hop } = await waitForHop(HOST, word, (one) => one.ended !== null && one.protocol === 'postgres');
  await recordedWhole(hop.id);
  return hop;
}

async function status(): Promise<Status> {
  const { out } = await hopline(HOST, ['--json', 'status']);
  return JSON.parse(out) as Status;
}

async function recordingOf(hop: string): Promise<RecordingJson | undefined> {
  const { out } = await hopline(HOST, ['--json', 'recordings', '--hop', hop]);
  return (JSON.parse(out) as RecordingJson[])[0];
}

/** Rows that come slowly, each so long that the server does not keep many back. */
const SLOW = "select n, repeat('x', 2000), pg_sleep(0.005) from generate_series(1, 10000) n;";
const isRun = (t: Test, rows: readonly string[]) =>
  t.same(
    rows.map((row) => Number(row.split('|')[0])),
    rows.map((_, at) => at + 1),
    'every row from the first on',
  );

/** A connection in the midst of a result of which some is recorded. */
async function inTheMidst(word: string): Promise<{ hop: string; said: Promise<Said> }> {
  const said = psql(word, SLOW);
  const { hop } = await waitForHop(
    HOST,
    word,
    ({ protocol, ended: end }) => protocol === 'postgres' && end === null,
  );
  await until(async () => {
    const { lines } = await play(hop.id).catch(() => ({ lines: [] }));
    return lines.filter(({ type }) => type === 'row').length > 20;
  }, 'some rows are recorded');
  return { hop: hop.id, said };
}

t.test('what was shown is played again', async (t) =>
  exclusively(HOST, () =>
    under(t, yaml('{rows: all}'), async () => {
      await t.test('psql: the same rows, with NULL, types and errors', async (t) => {
        const word = mark();
        const { out } = await psql(
          word,
          `select id, customer, amount, placed from orders where id < 4 order by id;
           select null, 'é', true; select nope; update orders set amount = amount where id = 1;`,
        );
        const hop = await ended(word);
        const played = await play(hop.id);
        t.equal(played.code, 0);
        t.same(played.rows.join('\n'), out.trim());
        t.same(
          played.statements.map(({ result }) => result?.recorded),
          [3, 1, 0, 0],
        );
        const [recording] = played.hop.recordings;
        t.match(recording, {
          id: `${hop.id}-1`,
          kind: 'rows',
          reason: null,
          ended: /Z$/,
          sha256: /^[0-9a-f]{64}$/,
        });
        const shown = await hopline(HOST, ['play', hop.id]);
        t.match(shown.out, / id \| customer +\| amount \| placed/);
        t.match(shown.out, /\n +1 \| customer 1 \| +0\.37 \| 2025-01-01 01:00:00\+00/);
        t.match(shown.out, /ERROR 42703: column "nope" does not exist/);
        t.match(shown.out, / NULL +\| é +\| t/);
        const path = join(rootOf(HOST), RECORDINGS);
        t.equal(statSync(path).mode & 0o777, 0o700);
        const file = statSync(join(path, recording?.file ?? ''));
        t.same([file.mode & 0o777, file.uid, file.size], [0o600, 0, recording?.bytes]);
        t.match(await notices(HOST, ['--kind', 'recording']), [
          { detail: `uid 0 reads recording ${hop.id}-1` },
          {},
        ]);
      });

      await t.test('node-postgres: the binary format', async (t) => {
        const word = mark();
        const sql = 'select id, customer, amount, placed, id::int8 from orders where id = $1';
        const run = `${process.execPath} --disable-warning=ExperimentalWarning ${programs}/binary.ts db1 '${sql}' 7`;
        const { out, err } = await ssh('alice', HOST, `: ${word}; ${run}`);
        t.match(out, '"customer":"customer 7"', err);
        const { rows } = await play((await ended(word)).id);
        t.same(rows, ['7|customer 7|2.59|2025-01-01 07:00:00+00|7']);
      });

      await t.test('COPY TO STDOUT, and a dump', async (t) => {
        const word = mark();
        const { out } = await psql(
          word,
          'copy (select id, customer from orders order by id) to stdout (format csv);',
        );
        t.equal(out.split('\n').length, 1001);
        t.equal((await play((await ended(word)).id)).rows.join('\n'), out.trim());
        const dumped = mark();
        const dump = await ssh('alice', HOST, `: ${dumped}; pg_dump -h db1 -t orders orders`);
        const rows = new Set((await play((await ended(dumped)).id)).rows);
        const data = dump.out.split('\n').filter((line) => /^\d+\t/.test(line));
        t.equal(data.length, 1000);
        t.ok(data.every((line) => rows.has(line)));
      });

      await t.test('masked values are recorded as they were shown', async (t) => {
        const word = mark();
        const { out } = await psql(word, 'select id, card, email from customers order by id;');
        t.match(out, '***1111');
        const { rows, lines, statements } = await play((await ended(word)).id);
        t.equal(rows.join('\n'), out.trim());
        t.notMatch(JSON.stringify(lines), '4111111111111111');
        t.match(statements[0]?.detail.masked, ['public.customers.card', 'public.customers.email']);
      });

      await t.test('a worker that is killed in the midst of a result', async (t) => {
        const word = mark();
        const { hop, said } = await inTheMidst(word);
        const before = (await play(hop)).rows.length;
        for (const { pid, open } of (await status()).workers)
          if (open > 0 && pid !== null) process.kill(pid, 'SIGKILL');
        const { out } = await said;
        const { hop: over } = await waitForHop(HOST, word, ({ ended: end }) => end !== null);
        t.match(over.endReason, /worker \d+ ended: worker ended: signal SIGKILL/);
        await recordedWhole(hop);
        const played = await play(hop);
        t.match(played.hop.recordings, [{ reason: 'the worker ended first', ended: /Z$/ }]);
        t.ok(played.rows.length >= before, `${played.rows.length} rows`);
        // What is missing was seen in the last second, and the rest of what was recorded was seen.
        isRun(t, played.rows);
        const seen = out.trim().split('\n');
        t.ok(seen.length - played.rows.length < 400, `${seen.length} rows were seen`);
        t.same(
          played.rows.slice(0, Math.min(seen.length - 1, played.rows.length - 1)),
          seen.slice(0, Math.min(seen.length - 1, played.rows.length - 1)),
        );
        t.match((await hopline(HOST, ['play', hop])).out, 'the worker ended first');
        await until(async () => (await status()).workers.every(({ ready }) => ready), 'workers again');
      });
    }),
  ),
);

t.test('the daemon is killed in the midst of a result', async (t) =>
  exclusively(HOST, () =>
    under(t, yaml('{rows: all}'), async () => {
      const { hop, said } = await inTheMidst(mark());
      await lab(['daemon', HOST, 'kill'], { timeoutMs: 90_000 });
      await said;
      const started = await lab(['daemon', HOST, 'start'], { timeoutMs: 90_000 });
      t.equal(started.code, 0, started.err);
      await until(async () => (await recordingOf(hop))?.ended, 'the end of the recording is on record');
      const played = await play(hop);
      t.equal(played.code, 0, 'and it is what was recorded');
      t.match(played.hop.recordings, [{ reason: /^the daemon ended first/ }]);
      t.ok(played.rows.length > 20);
      isRun(t, played.rows);
      t.match(played.statements, [{ result: null }]);
    }),
  ),
);

t.test('by policy: the first rows, all, none', async (t) => {
  const policies = (text: string) => `${text}
    @id("record-orders") @record("rows:2") permit (principal, action == Action::"query", resource)
    when { context.tables.contains("orders") };
    @id("record-customers") @record("all") permit (principal, action == Action::"query", resource)
    when { context.tables.contains("customers") };`;
  await exclusively(HOST, () =>
    under(t, { 'policies/lab.cedar': policies }, async () => {
      const word = mark();
      await psql(
        word,
        'select 1; select id from orders order by id limit 5; select id from customers order by id; select 2;',
      );
      const played = await play((await ended(word)).id);
      t.same(played.rows, ['1', '2', '1', '2']);
      t.same(
        played.statements.map(({ result }) => [result?.rows, result?.recorded]),
        [
          [1, undefined],
          [5, 2],
          [2, 2],
          [1, undefined],
        ],
      );
      t.match(
        played.lines.filter(({ type }) => type === 'result').map(({ limit }) => limit),
        [2, 'all'],
      );
      const none = mark();
      await psql(none, 'select 1');
      t.same((await play((await ended(none)).id)).hop.recordings, [], 'no file where nothing is recorded');
    }),
  );
});

t.test('a recording that is as long as it may be', async (t) =>
  exclusively(HOST, () =>
    under(t, yaml('{rows: all, max_size: 200kB}'), async () => {
      const word = mark();
      const { out } = await psql(
        word,
        "select n, md5(n::text) || md5(random()::text) from generate_series(1, 50000) n; select 'after';",
      );
      t.equal(out.split('\n').length, 50_002, 'the person gets everything');
      const { id } = await ended(word);
      const { hop, rows, statements } = await play(id);
      const [recording] = hop.recordings;
      t.match(recording?.reason, /^cut at \d+ bytes after \d+ rows$/);
      t.equal(rows.length, Number(recording?.reason?.match(/\d+/g)?.[1]));
      t.ok(rows.length > 1000 && rows.length < 50_000, `${rows.length}`);
      t.match(statements[0]?.result, { rows: 50_000, recorded: rows.length });
      t.ok((recording?.bytes ?? 0) < 4e6);
      const told = await notices(HOST, ['--kind', 'recording']);
      t.ok(
        told.some(({ detail }) => detail.includes(`recording ${recording?.id} ended before its hop: cut at`)),
      );
    }),
  ),
);

t.test('the disk that recordings lie on is full', async (t) =>
  exclusively(HOST, async () => {
    const mounted = await service(
      HOST,
      `mkdir -p ${RECORDINGS} && mount -t tmpfs -o size=400k,mode=700 none ${RECORDINGS}`,
    );
    t.equal(mounted.code, 0, mounted.err);
    const sql =
      "select n, md5(n::text) || md5(random()::text) from generate_series(1, 100000) n; select 'after';";
    try {
      await under(t, yaml('{rows: all}'), async () => {
        const word = mark();
        const { out, err, code } = await psql(word, sql);
        t.not(code, 0);
        t.notMatch(out, 'after');
        t.match(
          err,
          /FATAL: {2}Hopline: this session is to be recorded, and that cannot be done: the disk is full/,
        );
        const hop = await ended(word);
        t.match(hop.endReason, 'this session is to be recorded, and that cannot be done: the disk is full');
        t.match(await recordingOf(hop.id), { reason: 'could not be written: the disk is full', ended: /Z$/ });
        const { rows } = await play(hop.id);
        isRun(t, rows);
        t.ok(rows.length > 100);
      });
      await under(t, yaml('{rows: all, on_failure: continue}'), async () => {
        const word = mark();
        const { out, code } = await psql(word, sql);
        t.equal(code, 0);
        t.match(out, /\nafter\n$/);
        const hop = await ended(word);
        t.equal(hop.endReason, null);
        t.match(await recordingOf(hop.id), { reason: 'could not be written: the disk is full' });
        const told = await notices(HOST, ['--kind', 'recording']);
        t.ok(told.some(({ detail }) => /the disk is full; its hop goes on unrecorded$/.test(detail)));
        t.match((await play(hop.id)).statements.at(-1), { result: { recorded: 0 } });
      });
      t.ok(readdirSync(join(rootOf(HOST), RECORDINGS)).length > 0);
    } finally {
      await service(HOST, `umount ${RECORDINGS}`);
    }
  }),
);
