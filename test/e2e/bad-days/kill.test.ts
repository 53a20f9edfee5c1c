/** The supervisor and its workers are killed under load: what was captured on the link agrees with the store. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { HopJson, NoticeJson, ProcessJson, TreeLoginJson } from '../../../src/api/json.ts';
import { Capture, type Syn } from './pcap.ts';
import {
  alive,
  ask,
  daemon,
  daemonPid,
  hopline,
  inside,
  labDown,
  labUp,
  loginOf,
  notices,
  rootOnly,
  runs,
  Shell,
  sleep,
  status,
  until,
  write,
} from './support.ts';
import {
  DIRECT_PORT,
  load,
  POLICY,
  PROBE_PORT,
  STOP_FILE,
  TARGETS,
  unexplained,
  VAULT_PORT,
} from './traffic.ts';

const ROUNDS = 20;
/** A worker sees that its supervisor is gone by its channel, which the kernel closes at once. */
const WORKERS_GONE_MS = 30_000;
const LOGINS: readonly [string, 4 | 6][] = [
  ['alice@10.77.0.11', 4],
  ['alice@fd77::11', 6],
  ['bob@10.77.0.11', 6],
  ['bob@fd77::11', 4],
];

interface Killed {
  readonly daemons: { down: number; up: number; probe: string; direct: number; continued: boolean }[];
  readonly workers: { pid: number; open: number }[];
}

interface Found {
  readonly killed: Killed;
  /** The logins that were there before the first kill. */
  readonly ids: readonly string[];
  readonly syns: readonly Syn[];
  readonly dropped: number;
  readonly hops: readonly HopJson[];
  readonly noted: readonly NoticeJson[];
  readonly people: readonly TreeLoginJson[];
  /** Processes without an end in the record that do not run. */
  readonly ghosts: readonly ProcessJson[];
}

async function killWorker(slot: number): Promise<{ pid: number; open: number }> {
  const { workers } = await until('both workers ready', async () => {
    const now = await status();
    return now.workers.every(({ ready }) => ready) ? now : null;
  });
  const { pid, open } = workers[slot] ?? { pid: null, open: 0 };
  if (pid === null) throw new Error(`worker ${slot} is ready, and has no pid`);
  process.kill(pid, 'SIGKILL');
  await until('the worker started again', async () => {
    const { workers } = await status();
    return workers.every((worker) => worker.ready && worker.pid !== pid);
  });
  await sleep(700);
  return { pid, open };
}

/** Between `down` and `up` nobody is there to take a connection. */
async function killDaemon(prober: Shell): Promise<Killed['daemons'][number]> {
  const { workers } = await status();
  process.kill(daemonPid(), 'SIGKILL');
  await until(
    'supervisor and workers gone',
    () => !alive(daemonPid()) && workers.every(({ pid }) => !alive(pid ?? 0)),
    WORKERS_GONE_MS,
  );
  const down = Date.now() * 1000;
  // Into a backlog perhaps, which is then reset: what counts is that the server's greeting never comes.
  const greeting = `read -rt 2 line <&3 && echo "$line"`;
  const probe = await prober.run(
    `bash -c '{ ${greeting}; } 3<>/dev/tcp/10.77.0.20/${PROBE_PORT}' 2>/dev/null`,
  );
  const direct = await prober.run(`curl -sk -m 5 -o /dev/null https://10.77.0.30:${DIRECT_PORT}/`);
  const up = Date.now() * 1000;
  const started = await daemon('start');
  if (started.code !== 0) throw new Error(`hoplined did not start again: ${started.err.slice(-600)}`);
  const { kernel } = await status();
  await sleep(1000);
  return { down, up, probe: probe.out, direct: direct.code, continued: kernel.continued === true };
}

/** Runs the load and the kills; everything is judged afterwards. */
async function play(t: Test): Promise<Found> {
  const directory = mkdtempSync(join(tmpdir(), 'hopline-kill-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  t.teardown(labDown);
  await labUp({ daemon: false });
  write('/etc/hopline/targets.yaml', TARGETS);
  write('/etc/hopline/policies/lab.cedar', POLICY);
  // Of targets that are not there.
  rmSync(inside('/etc/hopline/policies/hosts.cedar'));
  const first = await daemon('start');
  if (first.code !== 0) throw new Error(first.err);

  const capture = await Capture.start('bastion1', join(directory, 'link.pcap'));
  t.teardown(() => capture.kill());
  const prober = new Shell('alice@10.77.0.11');
  const shells = LOGINS.map(([login]) => new Shell(login));
  const ids = [];
  for (const shell of [prober, ...shells]) ids.push(await loginOf(shell));
  LOGINS.forEach(([, family], index) => {
    const shell = shells[index];
    if (shell) load(shell, family);
  });
  await sleep(2000);

  const killed: Killed = { daemons: [], workers: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const slot of [0, 1]) killed.workers.push(await killWorker(slot));
    killed.daemons.push(await killDaemon(prober));
  }

  writeFileSync(inside(STOP_FILE), '');
  const after = await prober.run(`curl -s -m 10 http://10.77.0.30/`);
  await until('every hop ended', async () => (await status()).kernel.openHops === 0);
  const { syns, dropped } = await capture.stop();
  const said = await hopline('hops', '--json', '--limit', '100000');
  const hops = JSON.parse(said.out) as HopJson[];
  const noted = await notices();
  const reached = after.code === 0 && after.out.includes('hello from web1');
  t.ok(reached, `after the last start a connection is let through: ${after.code} ${after.out}`);
  const look = async () => {
    const { logins } = await ask('tree', { all: true, limit: 1000 });
    const people = logins.filter(({ kind }) => kind !== 'unattended');
    const ghosts = people.flatMap(({ processes }) =>
      processes.filter((one) => one.exited === null && !runs(one)),
    );
    return { people, ghosts };
  };
  // What ended between the two looks is in the next record.
  let { people, ghosts } = await look();
  for (let tries = 0; ghosts.length > 0 && tries < 60; tries++) {
    await sleep(500);
    ({ people, ghosts } = await look());
  }
  for (const shell of [prober, ...shells]) shell.close();
  return { killed, ids, syns, dropped, hops, noted, people, ghosts };
}

/** Says the first few of what there should be none of. */
function none(t: Test, list: readonly unknown[], what: string): void {
  t.same(list.slice(0, 2), [], `no ${what} (${list.length})`);
}

function judge(t: Test, { killed, ids, syns, dropped, hops, noted, people, ghosts }: Found): void {
  const of = (kind: string) => noted.filter((notice) => notice.kind === kind);
  const missing = unexplained(syns, hops);
  t.comment(
    `${killed.daemons.length} kills of the daemon, ${killed.workers.length} of workers; ${syns.length} SYNs, ${hops.length} hops, unexplained=${missing.length}`,
  );

  t.test('every connection on the wire is a hop', async (t) => {
    t.equal(dropped, 0, 'tcpdump lost nothing');
    t.ok(syns.length > 300, `${syns.length} SYNs: there was a load`);
    for (const address of ['10.77.0.30', 'fd77::30', '10.77.0.20', 'fd77::20'])
      t.ok(
        syns.some((syn) => syn.address === address),
        `${address} was under load`,
      );
    none(t, missing, 'SYN without its hop');
    // Of two with one source port, the first of which waits for a worker that was killed, neither is believed.
    const losses = of('loss').filter(({ detail }) => !/source port of one that still waited/.test(detail));
    t.equal(losses.length, 0, `no loss: ${JSON.stringify(losses)}`);
    // A worker that is killed between its SYN and the word about it leaves a packet that only the tripwire tells of.
    const surprises = of('tripwire').reduce((sum, { count }) => sum + count, 0);
    t.ok(
      surprises <= 2 * (killed.workers.length + killed.daemons.length),
      `the tripwire was surprised by what was cut off in the middle alone: ${surprises}`,
    );
  });

  t.test('while the daemon is away nothing passes round, and direct connections go on', async (t) => {
    for (const { down, up, probe, direct, continued } of killed.daemons) {
      const passed = syns.filter(({ at, port }) => at > down && at < up && port !== DIRECT_PORT);
      none(t, passed, 'intercepted connection on the wire');
      t.equal(probe, '', 'an intercepted connect reached nobody');
      t.equal(direct, 0, 'a direct one did not');
      t.ok(continued, 'the kernel half went on (it does not where its objects were built anew meanwhile)');
    }
    t.same(
      syns.filter(({ port }) => port === VAULT_PORT || port === PROBE_PORT),
      [],
      'nor what is denied',
    );
    const refused = hops.filter((hop) => hop.destination.port === PROBE_PORT);
    t.equal(refused.length, killed.daemons.length, 'each refused connect is a record');
    t.ok(
      refused.every(
        ({ mode, endReason }) => mode === 'denied' && /daemon was (down|away)/.test(endReason ?? ''),
      ),
    );
  });

  t.test('each hop has its login, its chain and its end', async (t) => {
    const strangers = hops.filter(({ login }) => login === null || !ids.includes(login));
    none(t, strangers, 'hop of another login, or of none');
    const programs = new Map([
      [80, /curl|cat|bash/],
      [443, /curl/],
      [5432, /psql/],
      [22, /bash/],
      [8200, /curl/],
    ]);
    const odd = hops.filter(
      ({ chain, destination }) => !programs.get(destination.port)?.test(chain.at(-1) ?? ''),
    );
    none(t, odd, 'chain that ends otherwise than in the program that connected');
    t.same(
      hops.filter(({ ended }) => ended === null),
      [],
      'every hop ended',
    );
    t.equal(new Set(hops.map(({ id }) => id)).size, hops.length, 'none twice');
    const denied = hops.filter(({ destination }) => destination.port === VAULT_PORT);
    t.ok(denied.length > 10 && denied.every(({ mode }) => mode === 'denied'), 'the vault stayed closed');
  });

  t.test('each worker that was killed is told, with its hops', async (t) => {
    const told = of('worker');
    for (const { pid } of killed.workers)
      t.ok(
        told.some(({ detail }) => detail.includes(`pid ${pid}`)),
        `a notice names worker ${pid}`,
      );
    const ended = hops.filter(({ endReason }) => /^worker \d+ ended: /.test(endReason ?? ''));
    t.equal(
      ended.length,
      told.reduce((sum, { count }) => sum + count, 0),
      'the counts are those of the hops',
    );
    t.ok(ended.length >= killed.workers.length, `${ended.length} hops ended with a worker`);
  });

  t.test('each kill of the daemon is a gap, and its open hops say so', async (t) => {
    t.equal(of('gap').length, killed.daemons.length);
    const cut = hops.filter(({ endReason }) => endReason === 'the daemon ended before the hop did');
    t.ok(cut.length >= killed.daemons.length, `${cut.length} hops ended with the daemon`);
    t.same(
      cut.filter(({ mode }) => mode === 'direct'),
      [],
      'a direct hop lives on without it',
    );
  });

  t.test('trees continue under the ids that they had', async (t) => {
    t.same(people.map(({ id }) => id).sort(), [...ids].sort());
    const over = people.filter(({ ended }) => ended !== null);
    none(
      t,
      over.map(({ id, ended, lingering }) => ({ id, ended, lingering })),
      'login has ended',
    );
    const shown = ghosts.map(
      ({ pid, image, started, argv }) => `${started} ${pid}.${image} ${argv.join(' ')}`,
    );
    none(t, shown, 'process has ended without a record of it');
    t.same(new Set(people.map(({ identity }) => identity?.name)), new Set(['alice', 'bob']));
  });
}

if (rootOnly) t.plan(0, rootOnly);
else {
  t.setTimeout(1_200_000);
  t.test('20 kills of the daemon and of each worker under load', { timeout: 1_190_000 }, async (t) => {
    judge(t, await play(t));
  });
}
