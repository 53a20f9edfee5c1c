/** What is recorded, against a real store. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import type { Call } from '../../src/api/connection.ts';
import { WatchHub } from '../../src/api/watch.ts';
import type { Image } from '../../src/attribution/image.ts';
import type { HopDraft } from '../../src/attribution/recorder.ts';
import { StoreRecorder } from '../../src/daemon/store-recorder.ts';
import { hop, id, login, process as row, T0, temporaryStore } from '../store/seed.ts';

function image(over: Partial<Image> = {}): Image {
  const {
    id: _,
    login: root,
    parent: __,
    exited: ___,
    exitCode: ____,
    signal: _____,
    startNs,
    ...facts
  } = row();
  return {
    ...{ ...facts, root, parent: null, startNs: BigInt(startNs), key: 'k', label: 'bash' },
    ...{ plumbing: false, setup: false, omitted: null, depth: 0, stored: null },
    ...over,
  };
}

function draft(over: Partial<HopDraft> = {}): HopDraft {
  const { process: _, actions: __, childLogin: ___, ...facts } = hop();
  return { ...facts, image: null, ...over };
}

function recorder() {
  const temporary = temporaryStore();
  const { reader, writer } = temporary.store;
  const errors: Error[] = [];
  const watch = new WatchHub();
  const record = new StoreRecorder({
    ...{ reader, writer, watch, nextProcessId: 41 },
    onError: (error) => errors.push(error),
  });
  return { reader, writer, record, errors, watch, [Symbol.dispose]: () => temporary[Symbol.dispose]() };
}

/** What somebody who watches is told. */
function watching(watch: WatchHub): { type: string; record: Record<string, unknown> }[] {
  const told: { type: string; record: Record<string, unknown> }[] = [];
  const call = { signal: new AbortController().signal, emit: (json: string) => told.push(JSON.parse(json)) };
  void watch.handler({}, call as unknown as Call);
  told.pop();
  return told;
}

t.test('nothing before the flush, everything after it, in order, and only then told', async (t) => {
  using at = recorder();
  const { record, reader } = at;
  const told = watching(at.watch);
  const bash = image();
  const psql = image({ parent: bash, image: 2, label: 'psql' });
  record.login(login());
  record.process(bash);
  record.process(psql);
  t.same([bash.stored, psql.stored], [41, 42], 'a child can name its parent at once');
  record.hop(draft({ image: psql }));
  record.hopEnd(id(5), { at: T0 + 6, bytesUp: 1, bytesDown: 2, reason: null });
  record.processExit(psql, { at: T0 + 7, exitCode: 3, signal: null });
  record.identity(id(0), { at: T0 + 8, tty: '/dev/pts/1' });
  record.revocation(id(0), { at: T0 + 9, by: 'uid 0', reason: 'r' });
  record.loginEnd(id(0), { at: T0 + 10, lingering: false });
  record.handoff({ kind: 'tmux', login: id(0), image: bash, toLogin: null, toPid: 7, via: '/x', at: T0 });
  record.notice({ at: T0, kind: 'loss', login: null, count: 1, detail: 'd' });
  t.same([reader.logins({ all: true }), told], [[], []]);
  t.equal(record.flush(), true);
  t.same(at.errors, []);
  const [tree] = reader.tree({ login: id(0) }).logins;
  t.match(tree, { tty: '/dev/pts/1', ended: T0 + 10, revoked: T0 + 9 });
  t.match(tree?.processes, [
    { id: 41, parent: null },
    { id: 42, parent: 41, exitCode: 3 },
  ]);
  t.match(tree?.hops, [{ process: 42, ended: T0 + 6, bytesDown: 2, actions: 0, childLogin: null }]);
  t.match(tree?.handoffs, [{ process: 41, kind: 'tmux' }]);
  t.match(reader.notices(), [{ detail: 'd' }]);
  const types = ['login', 'process', 'process', 'hop', 'hop-end', 'process-exit', 'identity', 'login-end'];
  t.same(
    told.map(({ type }) => type),
    [...types, 'handoff', 'notice'],
  );
  t.match(told.at(-1)?.record, { detail: 'd', id: 1 }, "under the store's number");
  record.flush();
  t.equal(told.length, 10, 'once');
});

t.test('a record that has no place does not take the others with it', async (t) => {
  using at = recorder();
  const { record, reader } = at;
  record.login(login());
  record.hopEnd(id(77), { at: T0, bytesUp: null, bytesDown: null, reason: null });
  record.identity(id(78), { at: T0, user: 'nobody' });
  record.hop(draft());
  t.equal(record.flush(), true);
  t.match(at.errors, [{ code: 'orphan' }, { code: 'orphan' }]);
  t.equal(reader.hops().length, 1);
  t.equal(record.full, false);
});

t.test(
  'a hop is written as it is by then, and an image that is there already keeps its number',
  async (t) => {
    using at = recorder();
    const { record, reader } = at;
    at.writer.insertLogin(login());
    at.writer.insertProcess(row({ id: 7 }));
    const bash = image();
    record.process(bash);
    const waiting = { ...draft({ image: bash }) };
    record.hop(waiting);
    Object.assign(waiting, { mode: 'denied', ended: T0 + 6_000_000, endReason: 'the disk is full' });
    record.flush();
    t.equal(bash.stored, 7);
    t.match(reader.hops(), [{ process: 7, mode: 'denied', endReason: 'the disk is full' }]);
  },
);

t.test('who watches is told what the store says, and no lost event ends the daemon', async (t) => {
  using at = recorder();
  const { record } = at;
  const told = watching(at.watch);
  record.login(login());
  record.hopEnd(id(77), { at: T0, bytesUp: null, bytesDown: null, reason: null });
  record.identity(id(78), { at: T0, user: 'nobody' });
  record.loginEnd(id(79), { at: T0, lingering: false });
  record.hop(draft());
  t.equal(record.flush(), true);
  t.match(at.errors, [{ code: 'orphan' }, { code: 'orphan' }, { code: 'orphan' }]);
  t.same(
    told.map(({ type }) => type),
    ['login', 'hop'],
  );
  const emit = (json: string) => {
    if (!json.includes('"watching"')) throw new Error('can not be told');
  };
  void at.watch.handler({}, { signal: new AbortController().signal, emit } as unknown as Call);
  record.notice({ at: T0, kind: 'gap', login: null, count: 1, detail: 'd' });
  t.equal(record.flush(), true);
  t.match(at.errors.slice(3), [{ message: 'can not be told' }]);
});

t.test('refused again: one hop, and its number in the record', async (t) => {
  using at = recorder();
  const { record, reader } = at;
  const denied = (n: number) =>
    draft({
      id: id(100 + n),
      mode: 'denied',
      started: T0 + n,
      decision: { ...draft().decision, outcome: 'deny' },
    });
  for (let n = 0; n < 500; n++) {
    record.hop(denied(n));
    record.notice({ at: T0 + n, kind: 'refused', login: null, count: 1, detail: 'raw socket' });
  }
  record.settle(T0 + 500);
  record.flush();
  t.same([reader.hops().length, reader.notices().length], [1, 1]);
  record.settle(T0 + 500, true);
  record.flush();
  t.match(reader.notices({ limit: 2 }), [
    { kind: 'refused', count: 499, login: null, detail: 'raw socket' },
    { kind: 'refused', count: 499, login: id(0), detail: /orders-db 10\.77\.0\.20:5432/ },
  ]);
});

t.test('nobody who watches costs nothing, and a flush of nothing is one', async (t) => {
  using at = recorder();
  t.equal(at.record.flush(), true);
  at.record.login(login());
  at.record.flush();
  const told = watching(at.watch);
  at.record.flush();
  t.same(told, [], 'what was before is not told');
});

const root = process.getuid?.() === 0;
if (!root)
  console.error('store-recorder.test.ts: a full disk: skipped: mounting a small file system needs root');

t.test(
  'a full disk: what happened waits in order, nothing is lost',
  root ? {} : { skip: 'mounting a small file system needs root' },
  async (t) => {
    const script = join(import.meta.dirname, 'full-disk.ts');
    const mount = 'mount -t tmpfs -o size=64m none "$1" && exec "$2" "$3" "$1/store.db"';
    const args = ['-m', 'sh', '-c', mount, 'sh', t.testdir(), process.execPath, script];
    const run = spawnSync('unshare', args, { encoding: 'utf8' });
    t.equal(run.stderr, '');
    t.strictSame(JSON.parse(run.stdout), {
      ...{
        full: true,
        kept: 0,
        again: false,
        atOnce: true,
        watched: true,
        errors: ['full'],
        written: true,
        stillFull: false,
        all: true,
      },
      disk: 'the disk takes records again',
    });
  },
);
