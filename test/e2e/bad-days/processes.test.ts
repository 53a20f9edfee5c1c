/** A tree of 100,000 processes, and pids that are given out again: neither confuses nor stops it. */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import {
  ask,
  compile,
  hopline,
  hops,
  labDown,
  labUp,
  loginOf,
  notices,
  rootOnly,
  Shell,
  status,
  until,
} from './support.ts';

const FORKS = 60_000;
const EXECS = 40_000;
const WAVE = 10_000;
const TRIES = 100;
const WEB = 'curl -s -m 9 http://10.77.0.30/';
const LAST_PID = '/proc/sys/kernel/ns_last_pid';

if (rootOnly) t.plan(0, rootOnly);
else {
  t.setTimeout(1_200_000);
  t.before(async () => {
    await labUp({ daemon: true });
    compile('spawn.c', '/usr/local/bin/spawn');
  });
  t.teardown(labDown);

  t.test(`${FORKS + EXECS} processes`, { timeout: 300_000 }, async (t) => {
    const shell = new Shell('alice@bastion1');
    const login = await loginOf(shell);
    for (let done = 0; done < EXECS; done += WAVE) {
      const forks = (FORKS * WAVE) / EXECS;
      const { out } = await shell.run(`/usr/local/bin/spawn ${forks} ${WAVE}`);
      t.equal(out, `${forks} ${WAVE}`, `wave ${done / WAVE + 1} ran`);
      t.match(await shell.run(WEB), { code: 0, out: /hello from web1/ }, 'and a connection between');
    }
    const lost = (await notices('loss')).reduce((sum, { count }) => sum + count, 0);
    t.equal(lost, 0, 'nothing was lost');
    t.equal((await status()).kernel.eventsLost, 0);

    const began = Date.now();
    const said = await hopline('tree', login, '--json');
    t.comment(`hopline tree --json of ${EXECS} programs: ${Date.now() - began} ms`);
    t.equal(said.code, 0);
    const { logins } = await ask('tree', { login });
    const processes = logins[0]?.processes ?? [];
    const spawned = processes.filter(({ argv }) => argv[0] === 'spawned');
    t.equal(spawned.length, EXECS, 'each program is in the tree');
    const wrong = spawned.filter(({ exitCode, exited }) => exitCode !== 0 || exited === null);
    t.same(wrong.slice(0, 2), [], `each ended (${wrong.length} did not)`);
    const parents = new Map(processes.map((one) => [one.id, one]));
    const astray = spawned.filter(({ parent }) => !parents.get(parent ?? -1)?.exe.endsWith('/spawn'));
    t.same(astray.slice(0, 2), [], 'each below the program that started it');
    t.equal(new Set(spawned.map(({ pid, startNs }) => `${pid} ${startNs}`)).size, EXECS, 'each by itself');
    const pids = new Set(spawned.map(({ pid }) => pid)).size;
    t.comment(`${pids} different pids`);
    const round = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')) < EXECS;
    if (round) t.ok(pids < EXECS, 'pids were used again within the tree');
    t.equal((await hopline('tree', login)).code, 0, 'it is drawn, too');
    const made = await hops({ login });
    t.equal(made.length, EXECS / WAVE);
    t.same(
      made.filter(({ chain }) => !/^(bash )+curl$/.test(chain.join(' '))),
      [],
    );
    t.ok(Number((await status()).kernel.liveImages) < 1000, 'what has ended is forgotten');
    shell.close();
  });

  t.test('a pid of alice’s is given to bob', { timeout: 90_000 }, async (t) => {
    const connect = `bash -c 'echo $$; exec 3<>/dev/tcp/10.77.0.30/80'`;
    const [alice, bob] = [new Shell('alice@bastion1'), new Shell('bob@bastion1')];
    const [first, second] = [await loginOf(alice), await loginOf(bob)];
    try {
      writeFileSync(LAST_PID, readFileSync(LAST_PID));
    } catch (error) {
      t.comment(
        `${LAST_PID} can't be written (${(error as Error).message}): pids were reused by volume above only`,
      );
      t.ok(Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8')) < FORKS, 'pids went round above');
      return;
    }
    const since = new Date().toISOString();
    const pairs: { pid: number; login: string }[] = [];
    let reused = 0;
    for (let n = 0; n < TRIES && reused < 5; n++) {
      const pid = Number((await alice.run(connect)).out);
      pairs.push({ pid, login: first });
      writeFileSync(LAST_PID, String(pid - 1));
      const next = Number((await bob.run(connect)).out);
      pairs.push({ pid: next, login: second });
      if (next === pid) reused++;
    }
    t.ok(reused > 0, `${reused} pids were used by both, one after the other`);
    const made = () => hops({ since });
    await until('a hop of each', async () => (await made()).length >= pairs.length).catch(() => {});
    const { logins } = await ask('tree', { all: true });
    const pidOf = new Map(logins.flatMap(({ processes }) => processes.map(({ id, pid }) => [id, pid])));
    const key = (pid: number | undefined, login: string | null) => `${pid} ${login}`;
    const recorded = (await made()).map(({ process, login }) => key(pidOf.get(process ?? -1), login)).sort();
    t.same(
      recorded,
      pairs.map(({ pid, login }) => key(pid, login)).sort(),
      'each connection is that of the process which made it',
    );
    alice.close();
    bob.close();
  });
}
