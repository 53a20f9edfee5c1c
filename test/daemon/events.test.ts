/** The small parts that the supervisor is made of: its event loop, open hops, names on their way, terminals. */
import { setTimeout as wait } from 'node:timers/promises';
import { spawn } from 'node-pty';
import t from 'tap';
import type { Attribution } from '../../src/attribution/attribution.ts';
import { Names } from '../../src/attribution/names.ts';
import type { Root } from '../../src/attribution/roots.ts';
import type { NameAnswer, Notice } from '../../src/core/types.ts';
import { EventLoop } from '../../src/daemon/events.ts';
import { NamesParser } from '../../src/daemon/names-parser.ts';
import { type OpenHop, OpenHops } from '../../src/daemon/open-hops.ts';
import type { StoreRecorder } from '../../src/daemon/store-recorder.ts';
import { Terminals } from '../../src/daemon/terminal.ts';
import { HlLoss } from '../../src/kernel/layouts.generated.ts';
import type { KernelMaps } from '../../src/kernel/maps.ts';
import { hop } from '../store/seed.ts';

/** A ring of numbers, and everything that the loop does with it, in order. */
class Ring {
  readonly did: string[] = [];
  readonly notices: Omit<Notice, 'id'>[] = [];
  readonly errors: string[] = [];
  waiting: number[] = [];
  losses: bigint[] = [0n, 0n, 0n, 0n, 0n];
  flushes = true;
  settled: Promise<void> | null = null;
  readonly loop: EventLoop;

  constructor() {
    const read = (handle: (view: DataView, at: number, size: number) => void, limit: number) => {
      const some = this.waiting.splice(0, limit);
      for (const event of some) handle(new DataView(new ArrayBuffer(0)), event, 0);
      return some.length;
    };
    this.loop = new EventLoop({
      maps: {
        events: { read, release: () => this.did.push('release') },
        losses: () => this.losses,
      } as unknown as KernelMaps,
      attribution: {
        handle: (_: DataView, at: number) => this.#handle(at),
        drainPam: () => {},
      } as unknown as Attribution,
      record: {
        flush: () => {
          this.did.push('flush');
          return this.flushes;
        },
        notice: (notice: Omit<Notice, 'id'>) => this.notices.push(notice),
      } as unknown as StoreRecorder,
      namesSettled: () => this.settled,
      onCommitted: () => this.did.push('committed'),
      onError: ({ message }) => this.errors.push(message),
      now: () => 5,
    });
  }

  #handle(at: number): void {
    if (at < 0) throw new Error(`event ${at}`);
    if (this.did.at(-1) !== 'handle') this.did.push('handle');
  }
}

t.test("the ring's room is given back after what it said is in the store", async (t) => {
  const ring = new Ring();
  ring.waiting = [1, -2, 3];
  t.equal(ring.loop.drain(), 3);
  t.same(ring.errors, ['event -2'], 'an event that nothing can be made of does not stop the next');
  t.same(ring.did, ['handle']);
  ring.loop.commit();
  t.same(ring.did, ['handle', 'flush', 'committed', 'release']);
  t.equal(ring.loop.handled, 3);
});

t.test('while the disk is full the room is given back, and nothing is acknowledged', async (t) => {
  const ring = new Ring();
  ring.flushes = false;
  ring.loop.commit();
  t.same(ring.did, ['flush', 'release']);
});

t.test('a flood is committed in between', async (t) => {
  const ring = new Ring();
  ring.waiting = Array(10_000).fill(1);
  t.equal(ring.loop.drain(), 10_000);
  const commit = ['flush', 'committed', 'release'];
  t.same(ring.did, ['handle', ...commit, 'handle', ...commit, 'handle']);
});

t.test('running: names are waited for before a hop is written; stopping takes in the rest', async (t) => {
  const ring = new Ring();
  const { promise, resolve } = Promise.withResolvers<void>();
  ring.settled = promise;
  ring.waiting = [1];
  ring.loop.start();
  await wait(20);
  t.same(ring.did, ['handle'], 'DNS answers are out');
  resolve();
  await wait(20);
  t.same(ring.did.slice(0, 4), ['handle', 'flush', 'committed', 'release']);
  ring.waiting = Array(5000).fill(1);
  ring.losses = [3n, 0n, 0n, 1n, 0n];
  ring.loop.stop();
  t.equal(ring.loop.handled, 5001);
  t.equal(ring.did.at(-1), 'release');
  t.match(ring.notices, [
    { kind: 'loss', count: 3, at: 5, detail: /did not fit the ring buffer/ },
    { kind: 'loss', count: 1, detail: /no room for a flow record/ },
  ]);
  t.equal(HlLoss.LOSS_FLOW, 3);
  const before = ring.did.length;
  await wait(60);
  t.equal(ring.did.length, before, 'and nothing goes on');
});

t.test('losses are told as what is new', async (t) => {
  const ring = new Ring();
  ring.losses = [7n, 0n, 0n, 0n, 0n];
  ring.loop.stop();
  ring.loop.stop();
  t.match(ring.notices, [{ count: 7 }]);
  t.equal(ring.notices.length, 1);
});

t.test('the hops that are open', async (t) => {
  const open = new OpenHops();
  const [alice, bob] = [{} as Root, {} as Root];
  const add = (id: string, root: Root, mode: 'inspect' | 'direct'): OpenHop => {
    const { process: _, ...facts } = hop({ id, mode });
    const one: OpenHop = { hop: { ...facts, image: null }, root, source: null, closing: null };
    open.add(one);
    return one;
  };
  const a = add('A', alice, 'inspect');
  const b = add('B', alice, 'direct');
  const c = add('C', bob, 'inspect');
  t.same([open.size, open.of(alice), open.inspected()], [3, [a, b], [a, c]]);
  b.closing = 'revoked: left';
  t.equal(open.delete('B'), 'revoked: left');
  t.equal(open.delete('B'), null, 'told once');
  t.equal(open.delete('A'), null, 'nobody closed it');
  t.same([open.get('C'), open.get('A'), open.size], [c, undefined, 1]);
});

t.test('names on their way: waited for, but not for long, and whatever becomes of them', async (t) => {
  const out: PromiseWithResolvers<readonly NameAnswer[]>[] = [];
  const names = new Names();
  const parser = new NamesParser({
    names,
    parse: () => {
      const pending = Promise.withResolvers<readonly NameAnswer[]>();
      out.push(pending);
      return pending.promise;
    },
    now: () => 1,
  });
  t.equal(parser.settled(), null);
  parser.parse('A', new Uint8Array(3));
  parser.parse('A', new Uint8Array(3));
  let settled = false;
  const both = parser.settled()?.then(() => {
    settled = true;
  });
  out[0]?.resolve([{ address: '10.0.0.1', name: 'db', ttl: 1 }]);
  await wait(5);
  t.equal(settled, false, 'one is out yet');
  out[1]?.reject(new Error('the worker ended'));
  await both;
  t.equal(names.nameOf('A', '10.0.0.1', 2), 'db');
  t.equal(parser.settled(), null);
  parser.parse('A', new Uint8Array(3));
  const began = performance.now();
  await parser.settled();
  const waited = performance.now() - began;
  t.ok(waited >= 45 && waited < 2000, `patience ended after ${waited.toFixed()} ms`);
  out[2]?.resolve([{ address: '10.0.0.2', name: 'late', ttl: 1 }]);
  await wait(1);
  t.equal(names.nameOf('A', '10.0.0.2', 2), 'late', 'the next connection knows');
});

t.test('a reason is written on the terminal of the process, and the terminal obeys none of it', async (t) => {
  const shell = spawn('/bin/sh', ['-c', 'echo up; exec sleep 60'], { cols: 80, rows: 24 });
  t.teardown(() => shell.kill('SIGKILL'));
  let shown = '';
  let awaited = /up\r\n$/;
  let arrived = Promise.withResolvers<void>();
  shell.onData((data) => {
    shown += data;
    if (awaited.test(shown)) arrived.resolve();
  });
  await arrived.promise;
  awaited = /hopline: [^\n]*\n$/;
  const terminals = new Terminals();
  const tell = async (text: string) => {
    shown = '';
    arrived = Promise.withResolvers();
    const tty = terminals.tell(shell.pid, null, text);
    await arrived.promise;
    return tty;
  };
  t.match(await tell('db:5432 refused: größe 漢字'), /^\/dev\/pts\/\d+$/);
  t.match(shown, 'hopline: db:5432 refused: größe 漢字');
  await tell(`\u001b[2J\u001b]0;t\u0007 \u009b31m\r\n a\u202eb\u2066 \ue000 \ud800 ${'x'.repeat(2000)}`);
  const line = shown.trim();
  t.notMatch(line, /[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u);
  t.match(line, /^hopline: �\[2J�\]0;t� �31m�� a�b� � � x+$/);
  t.equal(line.length, 'hopline: '.length + 500);
  const tty = await tell('again');
  t.equal(terminals.tell(shell.pid, null, 'again'), tty, 'the same within a second is written once');
  await tell('other');
  t.notMatch(shown, 'again');
});

t.test('where there is no terminal, nothing is opened', async (t) => {
  const terminals = new Terminals();
  const nobody = 5_000_000;
  t.equal(terminals.tell(nobody, null, 'x'), null);
  for (const path of [
    '/etc/passwd',
    '/dev/sda',
    '/dev/pts/../../etc/passwd',
    '/dev/pts/1x',
    'pts/1',
    '/dev/ttyS0\n',
  ])
    t.equal(terminals.tell(nobody, path, 'x'), null, path);
  t.equal(
    terminals.tell(nobody, '/dev/pts/999999', 'x'),
    '/dev/pts/999999',
    'one that has gone does no harm',
  );
});
