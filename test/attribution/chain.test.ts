/** Chains that go on and on: what is kept of them, and that a hop at their end is a hop. */
import t from 'tap';
import { chainOf, isUnnamed, MOST } from '../../src/attribution/chain.ts';
import type { Image } from '../../src/attribution/image.ts';
import { Images } from '../../src/attribution/images.ts';
import { idFromBigInt } from '../../src/core/ids.ts';
import type { Process } from '../../src/core/types.ts';
import { HlEventType, HlKind } from '../../src/kernel/layouts.generated.ts';
import { type Executed, exec, key, LAUNCHER, PID, ROOT, who } from './events.ts';
import { Host } from './host.ts';

const LOGIN = idFromBigInt(ROOT);
const no = () => false;

function images(recorded: readonly Process[] = []): Images {
  return new Images({
    plumbing: new Set(['sshd']),
    launcher: LAUNCHER,
    argvBytes: 4096,
    recorded: () => recorded,
  });
}

/** One process that executes these, one after the other. */
function executed(at: Images, names: readonly string[]): Image[] {
  return names.map((name, n) =>
    at.exec(exec(0, { name, image: n + 1, parent: n === 0 ? 77 : 0, parentImage: n }), LOGIN, n, no),
  );
}

function held(image: Image): number {
  let count = 0;
  for (let at: Image | null = image; at; at = at.parent) count++;
  return count;
}

const times = (count: number, name = 'run.sh') => Array<string>(count).fill(name);

t.test('a chain that is not too long is whole', async (t) => {
  const names = Array.from({ length: MOST }, (_, n) => `p${n}`);
  const [last] = executed(images(), names).slice(-1);
  t.same(chainOf(last ?? null), names);
});

t.test('a script that executes itself for ever keeps its first and its last programs', async (t) => {
  const all = executed(images(), ['sshd', 'bash', ...times(5000)]);
  let most = 0;
  for (const image of all.slice(-200)) most = Math.max(most, held(image));
  t.ok(most <= MOST, `${most} images are held`);
  const chain = chainOf(all.at(-1) ?? null);
  t.equal(chain[0], 'bash');
  const at = chain.findIndex((label) => label.startsWith('… '));
  const omitted = Number(/^… (\d+) programs left out, by name$/.exec(chain[at] ?? '')?.[1]);
  t.equal(chain[at + 1], 'run.sh', 'the names of what is left out');
  t.equal(omitted + chain.length - 2, 5001, 'every program is counted');
});

t.test('what is left out is named, each name once, and policy can ask for it', async (t) => {
  const middle = Array.from({ length: 200 }, (_, n) => `agent${n}`);
  const [last] = executed(images(), ['bash', ...times(20), ...middle, ...middle, ...times(500)]).slice(-1);
  const chain = chainOf(last ?? null);
  for (const name of middle) t.equal(chain.filter((each) => each === name).length, 1);
  t.same(
    chain.filter((name) => name.startsWith('agent')),
    middle,
    'in the order of the chain',
  );
  t.equal(isUnnamed(last ?? null), false);
});

t.test('too many names to keep: the chain says that it does not name them all', async (t) => {
  const middle = Array.from({ length: 300 }, (_, n) => `agent${n}`);
  const [last] = executed(images(), ['bash', ...times(20), ...middle, ...times(500)]).slice(-1);
  const chain = chainOf(last ?? null);
  t.match(
    chain.find((name) => name.startsWith('…')),
    /^… \d+ programs left out, not all of them named$/,
  );
  t.equal(isUnnamed(last ?? null), true);
  t.ok(chain.length < MOST + 300);
});

t.test('what hangs off the middle of a chain keeps what is above it', async (t) => {
  const at = images();
  const all = executed(at, ['bash', ...times(40, 'a.sh'), 'here', ...times(30, 'b.sh')]);
  const parentImage = all.findIndex(({ label }) => label === 'here') + 1;
  const before = at.exec(exec(1, { name: 'early', parent: 0, parentImage }), LOGIN, 1, no);
  for (let n = all.length; n < 2000; n++)
    at.exec(exec(0, { name: 'c.sh', image: n + 1, parent: 0, parentImage: n }), LOGIN, n, no);
  t.same(chainOf(before), ['bash', ...times(40, 'a.sh'), 'here', 'early']);
  const after = at.exec(exec(2, { name: 'late', parent: 0, parentImage }), LOGIN, 2, no);
  t.same(chainOf(after), ['bash', ...times(40, 'a.sh'), 'here', 'late']);
  let child = after;
  for (let n = 3; n < 300; n++) child = at.exec(exec(n, { name: 'd.sh', parent: n - 1 }), LOGIN, n, no);
  t.ok(held(child) <= MOST);
  t.ok(chainOf(child).includes('here'), 'and is shortened by itself');
});

t.test('of a chain that the record gives back in part, the upper part is missing', async (t) => {
  const row = (id: number): Process => ({
    ...{ id, login: LOGIN, parent: id - 1, pid: PID, ppid: 1, startNs: String(key(0).startNs), image: id },
    ...{ exe: '/bin/x', exeVerified: true, argv: ['x'], argvBytes: 2, uid: 1, started: 1, exited: 2 },
    ...{ exitCode: 0, signal: null, recovered: false },
  });
  const rows = Array.from({ length: 1000 }, (_, n) => row(1002 - n));
  const image = images(rows).exec(exec(5, { name: 'y', parent: 0, parentImage: 1002 }), LOGIN, 1, no);
  t.ok(held(image) <= MOST);
  const chain = chainOf(image);
  t.equal(chain[0], '… programs left out, not all of them named');
  t.equal(chain.at(-1), 'y');
  t.equal(isUnnamed(image), true);
});

const job: Partial<Executed> = { kind: HlKind.CRON, uid: 0 };

/** A job of cron's that executes itself, and then connects. */
function cron(host: Host, count: number): void {
  host.root(HlEventType.EV_ROOT, { kind: HlKind.CRON });
  for (let n = 0; n < count; n++)
    host.exec(0, { ...job, name: 'job.sh', image: n + 1, parent: n === 0 ? -1 : 0, parentImage: n });
  host.flow({ who: who(0, { image: count, kind: HlKind.CRON, uid: 0 }) });
}

t.test(
  'a job that has executed itself 30,000 times connects: there is a hop, and it says what is missing',
  async (t) => {
    const host = new Host();
    cron(host, 15_000);
    const [[hop] = []] = host.record.of('hop');
    t.match(hop, { login: LOGIN, destination: { port: 5432 }, image: { image: 15_000 } });
    t.match(
      hop?.chain.find((name) => name.startsWith('…')),
      /^… 14\d{3} programs left out/,
    );
    const stored = host.record.of('process').map(([image]) => image);
    t.ok(stored.length <= MOST, `${stored.length} programs are stored`);
    t.equal(stored[0]?.image, 1, 'uppermost first');
    t.ok(stored.every(({ parent }, n) => n === 0 || (parent?.stored ?? 99) < n + 1));
    const [[notice] = []] = host.record.of('notice');
    t.match(notice, {
      kind: 'loss',
      login: LOGIN,
      detail: /programs are not in the record, between job.sh and job.sh/,
    });
    t.equal((notice?.count ?? 0) + stored.length, 15_000);
  },
);

t.test('a hop is recorded where its programs can not be', async (t) => {
  const host = new Host();
  host.record.process = () => {
    throw new RangeError('Maximum call stack size exceeded');
  };
  cron(host, 3);
  t.match(host.record.of('hop'), [[{ login: LOGIN, chain: ['job.sh', 'job.sh', 'job.sh'] }]]);
  const told = host.record.of('notice').map(([notice]) => notice);
  t.match(told, [
    { kind: 'loss', login: LOGIN, detail: 'programs are missing from the record: Maximum call stack' },
  ]);
  host.flow({ who: who(0, { image: 3, kind: HlKind.CRON, uid: 0 }), id: ROOT + 512n });
  t.equal(host.record.of('notice').length, 1, 'told once a second');
  const unread = new Host();
  unread.recorded = () => {
    throw new Error('disk I/O error');
  };
  unread.flow({ who: who(9) });
  t.match(unread.record.of('hop'), [[{ login: LOGIN, chain: [`pid ${PID + 9}`] }]]);
  t.match(unread.record.of('notice'), [
    [{ kind: 'loss', detail: 'the record could not be read: disk I/O error' }],
  ]);
  const unheard = new Host();
  Object.defineProperty(unheard, 'pam', {
    get: () => {
      throw new Error('ENOENT: no such directory');
    },
  });
  unheard.login();
  unheard.flow();
  t.match(unheard.record.of('hop'), [[{ login: LOGIN, chain: ['bash'] }]]);
  t.match(unheard.record.of('notice'), [
    [{ kind: 'loss', detail: /^PAM sessions could not be read: ENOENT/ }],
  ]);
});
