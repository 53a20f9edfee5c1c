/** Statements through Hopline, decided and recorded, beside none between and pgbouncer in session mode. */
import { cpuOf } from '../cpu.ts';
import { IDLE, MASKED, poolerPid, startDatabase, WAYS } from '../database.ts';
import { absolute, type Bench, type Figure, type Result, ratio } from '../figure.ts';
import { growth } from '../growth.ts';
import { type Lab, LOAD } from '../lab.ts';
import { median } from '../numbers.ts';
import { checkHops, ended, statements } from '../statements.ts';

type Way = keyof typeof WAYS;

const LOGIN = 'alice@bastion1';
const CLIENTS = 8;
/** Statements of one turn of the pipelined script. */
const PIPELINED = 20;

const PIPELINE = [
  '\\set aid random(1, 1000000)',
  '\\startpipeline',
  ...Array.from({ length: PIPELINED }, () => 'SELECT abalance FROM pgbench_accounts WHERE aid = :aid;'),
  '\\endpipeline',
].join('\n');

interface Mode {
  readonly what: string;
  readonly words: readonly string[];
  /** Of one transaction of pgbench's. */
  readonly statements: number;
}

const SELECT = ['-b', 'select-only'];
const MODES: readonly Mode[] = [
  { what: 'simple', words: [...SELECT, '-M', 'simple'], statements: 1 },
  { what: 'extended', words: [...SELECT, '-M', 'extended'], statements: 1 },
  { what: 'prepared', words: [...SELECT, '-M', 'prepared'], statements: 1 },
  { what: 'pipelined', words: ['-f', '/tmp/pipeline.sql', '-M', 'prepared'], statements: PIPELINED },
];

export const postgres: Figure = {
  name: 'postgres',
  what: 'statements decided and recorded, beside direct and pgbouncer in session mode',
  async run(bench) {
    const { lab, progress } = bench;
    progress('a database, and pgbouncer');
    await startDatabase(lab);
    await lab.exec('bastion1', ['sh', '-c', 'cat >/tmp/pipeline.sql'], { input: PIPELINE });
    const results: Result[] = [];
    for (const mode of MODES) results.push(...(await rates(bench, mode)));
    results.push(...(await latency(bench)));
    results.push(...(await volume(bench)));
    results.push(await idle(bench));
    await checkHops(lab);
    return results;
  },
};

/** @returns transactions a second */
async function pgbench(
  lab: Lab,
  way: string,
  { words }: Mode,
  howLong: readonly string[],
): Promise<{ tps: number; count: number }> {
  const [host = '', port = ''] = way.split(':');
  const at = ['-h', host, '-p', port, '-U', 'bench'];
  const load = ['-n', '-c', `${CLIENTS}`, ...howLong, ...words];
  const { stdout } = await lab.ssh(LOGIN, ['PGSSLMODE=disable', 'pgbench', ...at, ...load, 'bench']);
  const tps = Number(/^tps = ([\d.]+)/m.exec(stdout)?.[1]);
  const count = Number(/^number of transactions actually processed: (\d+)/m.exec(stdout)?.[1]);
  if (!(tps > 0) || !/^number of failed transactions: 0 /m.test(stdout))
    throw new Error(`pgbench said ${stdout}`);
  return { tps, count };
}

async function rates({ lab, quick, progress }: Bench, mode: Mode): Promise<Result[]> {
  const rounds = quick ? 1 : 5;
  const seconds = quick ? 4 : 6;
  progress(`pgbench -c ${CLIENTS}, ${mode.what}`);
  const measured: Record<Way, number[]> = { direct: [], pgbouncer: [], hopline: [] };
  const cpu: Record<Way, number[]> = { direct: [], pgbouncer: [], hopline: [] };
  const pids = {
    direct: [],
    pgbouncer: [await poolerPid(lab, 'bastion1')],
    hopline: lab.daemonPids('bastion1'),
  };
  // By number: what is loaded and compiled on first use is no part of it, however long a busy machine takes.
  for (const way of Object.values(WAYS)) await pgbench(lab, way, mode, ['-t', '3000']);
  for (let round = 0; round < rounds; round++) {
    for (const way of Object.keys(WAYS) as Way[]) {
      const known = way === 'hopline' ? await statements(lab) : 0;
      const before = cpuOf(pids[way]);
      const { tps, count } = await pgbench(lab, WAYS[way], mode, ['-T', `${seconds}`]);
      // With what is written after the last answer.
      const recorded = way === 'hopline' ? (await ended(lab)) - known : 0;
      const done = count * mode.statements;
      measured[way].push(tps * mode.statements);
      cpu[way].push((cpuOf(pids[way]) - before) / done);
      // Beside them the few that pgbench sends by itself.
      if (way === 'hopline' && (recorded < done || recorded > done + 10))
        throw new Error(`${recorded} statements are recorded where pgbench counts ${done}`);
    }
  }
  const rate = {
    direct: median(measured.direct),
    pgbouncer: median(measured.pgbouncer),
    hopline: median(measured.hopline),
  };
  const how = `pgbench -c ${CLIENTS} from a login on the bastion, select-only, ${mode.what}${mode.statements > 1 ? `, ${mode.statements} in a pipeline` : ''}; ${rounds} turns of ${seconds} s each way, median`;
  const shown = (way: Way) => `${Math.round(rate[way])}/s`;
  return [
    ratio(
      `${mode.what}: rate`,
      '× pgbouncer',
      rate.pgbouncer,
      rate.hopline,
      1,
      `${how}; statements a second direct ${shown('direct')}, pgbouncer ${shown('pgbouncer')}, Hopline ${shown('hopline')}; every one of Hopline's is in the store, with its end`,
    ),
    ratio(`${mode.what}: rate`, '× direct', rate.direct, rate.hopline, null, how),
    absolute(
      `${mode.what}: CPU a statement`,
      median(cpu.hopline) * 1e6,
      'µs',
      20,
      `of supervisor, workers and tripwire until all is recorded; pgbouncer's ${(median(cpu.pgbouncer) * 1e6).toFixed(1)} µs`,
    ),
  ];
}

async function latency({ lab, quick, progress }: Bench): Promise<Result[]> {
  const count = quick ? 2000 : 20_000;
  progress('one statement at a time');
  const ask = (times: number) =>
    lab.ssh(LOGIN, [
      `${LOAD}/pg`,
      'ask',
      `${times}`,
      quoted('select abalance from pgbench_accounts where aid = 4711'),
      ...Object.values(WAYS),
    ]);
  await ask(1000);
  const [direct = [], pgbouncer = [], hopline = []] = columns((await ask(count)).stdout).map((column) =>
    column.map((ns) => ns / 1000),
  );
  const detail = `${count} of each in turn by one client, medians; pgbouncer adds ${(median(pgbouncer) - median(direct)).toFixed(0)} µs`;
  return [
    {
      ...{
        what: 'one client: median added',
        value: median(hopline) - median(direct),
        unit: 'µs',
        target: { limit: 60, sense: 'at most' },
      },
      ...{
        direct: median(direct),
        hopline: median(hopline),
        ratio: median(hopline) / median(direct),
        detail,
      },
    },
  ];
}

async function volume({ lab, quick, progress }: Bench): Promise<Result[]> {
  const megabytes = quick ? 128 : 1024;
  const rounds = quick ? 2 : 3;
  // A row of 121 bytes of values, about 145 on the wire.
  const repeat = Math.round((megabytes * 2 ** 20) / 10_000 / 145);
  const sql = quoted(`select p.id, name, email, card, note from people p, generate_series(1, ${repeat}) n`);
  progress(`a result of ${megabytes} MB`);
  const ways = [WAYS.direct, WAYS.pgbouncer, WAYS.hopline, MASKED];
  const { stdout, stderr } = await lab.ssh(LOGIN, [`${LOAD}/pg`, 'rows', `${rounds}`, sql, ...ways], {
    timeoutMs: 900_000,
  });
  const [direct = [], pgbouncer = [], hopline = [], masked = []] = columns(stdout).map((column) =>
    column.map((ns) => 1e9 / ns),
  );
  const size = `about ${Math.round(Number(/\d+\s*$/.exec(stderr)?.[0]) / 2 ** 20)} MB of ${repeat * 10_000} rows of five columns`;
  const detail = `results a second; ${size}, ${rounds} of each in turn, median; pgbouncer ${(median(pgbouncer) / median(direct)).toFixed(2)}× direct`;
  return [
    ratio('a large result', '× direct', median(direct), median(hopline), 0.6, detail),
    ratio('a large result, one text column masked', '× direct', median(direct), median(masked), 0.3, detail),
  ];
}

async function idle({ lab, quick, progress }: Bench): Promise<Result> {
  const count = quick ? 500 : 2000;
  const wait = quick ? 3 : 10;
  progress(`${count} idle connections`);
  const hold = (connections: number) =>
    lab.begin(['ssh', LOGIN, '--', `${LOAD}/pg`, 'hold', `${connections}`, quoted('select 1'), IDLE]);
  const each = await growth(lab, { count, wait: wait * 1000, hold });
  return absolute(
    'an idle connection',
    each,
    'kB',
    60,
    `growth of all processes by ${count} connections that have asked once beside ${count / 4}, divided by ${count}; ${wait} s after the last`,
  );
}

/** For the remote shell, which reads words again. */
function quoted(sql: string): string {
  return `'${sql.replaceAll("'", "'\\''")}'`;
}

function columns(text: string): number[][] {
  const rows = text
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  return (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? Number.NaN));
}
