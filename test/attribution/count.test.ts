/** How many processes live below the roots that were there before the programs. */
import t from 'tap';
import { heldRoots, recount, settleRoots } from '../../src/attribution/count.ts';
import { processKey } from '../../src/attribution/image.ts';
import { recover } from '../../src/attribution/recover.ts';
import { type HlKey, HlKind, type HlLineage, type HlTask } from '../../src/kernel/layouts.generated.ts';
import { Random } from '../core/random.ts';
import { key, PID, ROOT } from './events.ts';
import { Host } from './host.ts';
import { FakeKernel } from './kernel.ts';

const HELD = { leader: key(0), kind: HlKind.SSH };
const line = (n: number): HlLineage => ({
  ...{ root: ROOT, owner: key(n), image: 1, execs: 1, kind: HlKind.SSH, spawnKind: 0, flags: 0 },
});

function kernel(processes: number, live: number): FakeKernel {
  const made = new FakeKernel();
  for (let n = 0; n < processes; n++) made.lineage.set(key(n), line(n));
  made.roots.set(ROOT, { ...HELD, live });
  return made;
}

const settle = (made: FakeKernel) => settleRoots(made.maps, new Map([[ROOT, HELD]]));

t.test('a count is what there is', async (t) => {
  for (const live of [4, 1, 9, (1 << 30) + 3]) {
    const made = kernel(4, live);
    settle(made);
    t.equal(made.live(ROOT), 4, `counted ${live}`);
  }
  const none = kernel(0, 1 << 30);
  settle(none);
  t.equal(none.live(ROOT), null, 'of which nothing lives: the kernel would not tell its end');
  const gone = kernel(2, 1);
  gone.roots.delete(ROOT);
  settle(gone);
  t.equal(gone.live(ROOT), 2, 'ended by the kernel, and two live');
  const stranger = kernel(2, 1);
  stranger.roots.delete(ROOT);
  settleRoots(stranger.maps, new Map([[ROOT, null]]));
  t.equal(stranger.live(ROOT), null);
  t.same(heldRoots(kernel(1, (1 << 30) - 2).maps), [ROOT]);
  t.same(heldRoots(kernel(1, 1000).maps), []);
});

t.test('processes that come and go meanwhile are counted', async (t) => {
  const random = new Random(3);
  for (let run = 0; run < 500; run++) {
    const made = kernel(5, (1 << 30) + random.below(5));
    const alive = Array.from({ length: 5 }, (_, n) => n);
    let [next, busy] = [100, 60];
    const something = () => {
      if (busy-- <= 0) return;
      if (random.below(2) || alive.length < 3) {
        made.fork(key(alive[0] ?? 0), key(next));
        alive.push(next++);
      } else made.exit(key(alive.pop() ?? 0));
    };
    made.lineage.before = something;
    made.roots.before = something;
    settle(made);
    if (made.live(ROOT) !== alive.length)
      t.fail(`run ${run}: counted ${made.live(ROOT)}, there are ${alive.length}`);
  }
  t.pass('50 runs');
});

t.test('a root that the kernel has ended is counted again', async (t) => {
  const made = kernel(3, 1);
  made.exit(key(2));
  t.same(made.ended, [ROOT], 'too early');
  const host = new Host();
  const root = host.at.roots.begin({ kernelId: ROOT, kind: HlKind.SSH, leader: processKey(key(0)), at: 1 });
  t.equal(recount(made.maps, root), 2);
  t.match(made.roots.get(ROOT), { live: 2, leader: key(0), kind: HlKind.SSH });
  made.exit(key(0));
  made.exit(key(1));
  t.same(made.ended, [ROOT, ROOT]);
  t.equal(recount(made.maps, root), 0);
  t.equal(made.live(ROOT), null);
});

function task(n: number, ppid: number, comm: string, over: Partial<HlTask> = {}): HlTask {
  const name = new Uint8Array(16);
  name.set(Buffer.from(comm));
  return {
    ...{
      proc: key(n),
      ppid,
      uid: 0,
      loginuid: 0xffffffff,
      sessionid: 0xffffffff,
      inScope: 1,
      kernelThread: 0,
      executing: 0,
    },
    ...{ comm: name, ...over },
  };
}

const INIT = task(0, 1, 'init');
const LISTENER = task(1, PID, 'sshd');
const SERVING = task(2, PID + 1, 'sshd');
const SHELL = task(3, PID + 2, 'bash', { uid: 2001, sessionid: 7 });

function start(made: FakeKernel, tasks: () => HlTask[], continued = false): void {
  const attribution = new Host().at;
  recover({
    ...{ maps: made.maps, tasks, attribution, known: { logins: [], processes: [] }, self: 1, continued },
    spawners: new Map([['sshd', HlKind.SSH]]),
    drain: () => {},
    now: () => 1_790_000_000_000_000,
    toMicros: (ns) => Number(ns / 1000n),
  });
}

const rootOf = (made: FakeKernel, of: HlKey) => made.lineage.get(of)?.root ?? 0n;

t.test('a fork of a process that has just been told about is counted', async (t) => {
  const made = new FakeKernel();
  const tasks = [INIT, LISTENER, SERVING, SHELL];
  let forked = 0;
  // The shell forks before each further step: 20 children by the end of all.
  const fork = () => {
    if (
      forked >= 20 ||
      !made.lineage.entries.has(JSON.stringify({ tgid: PID + 3, startNs: String(key(3).startNs) }))
    )
      return;
    forked++;
    made.fork(SHELL.proc, key(100 + forked));
    tasks.push(task(100 + forked, PID + 3, 'sleep', { uid: 2001, sessionid: 7 }));
  };
  made.lineage.before = fork;
  made.roots.before = fork;
  start(made, () => [...tasks]);
  t.equal(forked, 20);
  const login = rootOf(made, SHELL.proc);
  t.equal(made.live(login), 22, 'sshd, the shell and its children');
  t.match(made.roots.get(login), { leader: SERVING.proc, kind: HlKind.SSH });
  for (let n = 20; n > 0; n--) made.exit(key(100 + n));
  t.same(made.ended, [], 'not over while the shell lives');
  made.exit(SHELL.proc);
  made.exit(SERVING.proc);
  t.same(made.ended, [login]);
});

t.test('what exits while it is told about leaves nothing', async (t) => {
  const made = new FakeKernel();
  let tasks = [INIT, LISTENER, SERVING, SHELL];
  made.lineage.before = (call, of) => {
    if (call === 'add' && of?.tgid === SHELL.proc.tgid) tasks = [INIT, LISTENER, SERVING];
  };
  start(made, () => tasks);
  t.equal(made.lineage.get(SHELL.proc), null);
  t.equal(made.live(rootOf(made, SERVING.proc)), 1);
});

t.test('exits that no program saw, between two builds', async (t) => {
  const made = kernel(3, 3);
  start(made, () => [task(0, 1, 'sshd'), task(1, PID, 'bash')]);
  t.equal(made.lineage.get(key(2)), null);
  t.equal(made.live(ROOT), 2);
  const same = kernel(3, 3);
  start(same, () => [task(0, 1, 'sshd'), task(1, PID, 'bash')], true);
  t.equal(same.live(ROOT), 3, 'where they ran all the while, what they say is so');
});
