/** The small parts that the supervisor is made of: its event loop, open hops, names on their way. */
import { setTimeout as wait } from 'node:timers/promises';
import t from 'tap';
import type { Attribution } from '../../src/attribution/attribution.ts';
import { Names } from '../../src/attribution/names.ts';
import type { Root } from '../../src/attribution/roots.ts';
import type { NameAnswer, Notice } from '../../src/core/types.ts';
import { EventLoop } from '../../src/daemon/events.ts';
import { lossesText, lossesTold } from '../../src/daemon/losses.ts';
import { NamesParser } from '../../src/daemon/names-parser.ts';
import { type OpenHop, OpenHops } from '../../src/daemon/open-hops.ts';
import { Started } from '../../src/daemon/started.ts';
import type { StoreRecorder } from '../../src/daemon/store-recorder.ts';
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
  told: readonly bigint[] = [];
  /** Written while it is read. */
  arriving = 0;
  #read = 0;
  flushes = true;
  settled: Promise<void> | null = null;
  readonly loop: EventLoop;

  constructor(told: readonly bigint[] = []) {
    const read = (
      handle: (view: DataView, at: number, size: number) => void,
      limit: number,
      until = BigInt(Number.MAX_SAFE_INTEGER),
    ) => {
      const some = this.waiting.splice(0, Math.min(limit, Number(until) - this.#read));
      this.#read += some.length;
      this.waiting.push(...Array(this.arriving).fill(1));
      for (const event of some) handle(new DataView(new ArrayBuffer(0)), event, 0);
      return some.length;
    };
    this.loop = new EventLoop({
      maps: {
        events: {
          read,
          release: () => this.did.push('release'),
          produced: () => BigInt(this.#read + this.waiting.length),
        },
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
        settle: (_: number, all: boolean) => this.did.push(all ? 'settle all' : 'settle'),
      } as unknown as StoreRecorder,
      told,
      onTold: (losses) => {
        this.told = losses;
      },
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

t.test('a producer that is never done keeps neither a turn nor the stop from ending', async (t) => {
  const ring = new Ring();
  ring.waiting = Array(5000).fill(1);
  ring.arriving = 4096;
  t.equal(ring.loop.drain(), 5000, 'what was there when it began');
  t.ok(ring.waiting.length >= 8192, 'the rest is for the next turn');
  ring.loop.stop();
  t.ok(ring.loop.handled < 40_000);
});

t.test('running: names are waited for before a hop is written; stopping takes in the rest', async (t) => {
  const ring = new Ring();
  const { promise, resolve } = Promise.withResolvers<void>();
  ring.settled = promise;
  ring.waiting = [1];
  ring.loop.start();
  await wait(20);
  t.same(ring.did, ['settle', 'handle'], 'DNS answers are out');
  resolve();
  await wait(20);
  t.same(ring.did.slice(0, 5), ['settle', 'handle', 'flush', 'committed', 'release']);
  ring.waiting = Array(5000).fill(1);
  ring.losses = [3n, 0n, 0n, 1n, 0n];
  ring.loop.stop();
  t.equal(ring.loop.handled, 5001);
  t.same(ring.did.slice(-4), ['settle all', 'flush', 'committed', 'release']);
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
  t.same(ring.told, [7n, 0n, 0n, 0n, 0n], 'for the daemon after this one');
});

t.test('what was lost while no daemon ran is told by the next, at once', async (t) => {
  const ring = new Ring([4n, 1n]);
  ring.losses = [7n, 1n, 0n, 0n, 2n];
  ring.loop.start();
  t.match(ring.notices, [
    { kind: 'loss', count: 3, detail: /ring buffer/ },
    { kind: 'loss', count: 2, detail: /no memory/ },
  ]);
  ring.loop.stop();
  t.equal(ring.notices.length, 2);
});

t.test('how many losses were told is remembered for as long as the counters live', async (t) => {
  const text = lossesText('boot', [4n, 0n, 2n ** 60n]);
  t.same(lossesTold(text, 'boot', [5n, 0n, 2n ** 60n]), [4n, 0n, 2n ** 60n]);
  t.same(lossesTold(text, 'another boot', [5n, 0n, 2n ** 60n]), [], 'counters begin anew');
  t.same(lossesTold(text, 'boot', [5n, 0n, 3n]), [], 'so they do where the pins were removed');
  t.same(lossesTold(null, 'boot', [5n]), []);
});

t.test('what was started is stopped, the latest first, each whatever becomes of the others', async (t) => {
  const started = new Started();
  const did: string[] = [];
  const errors: string[] = [];
  started.add(() => did.push('store'));
  started.add(() => {
    throw new Error('no watcher');
  });
  started.add(() => wait(5).then(() => did.push('pool')));
  started.add(() => Promise.reject(new Error('no tripwire')));
  await started.stop(({ message }) => errors.push(message));
  t.same(
    [did, errors],
    [
      ['pool', 'store'],
      ['no tripwire', 'no watcher'],
    ],
  );
  await started.stop(() => t.fail());
  t.equal(did.length, 2, 'once');
});

t.test('the hops that are open', async (t) => {
  const open = new OpenHops();
  const [alice, bob] = [{} as Root, {} as Root];
  const add = (id: string, root: Root, mode: 'inspect' | 'direct'): OpenHop => {
    const { process: _, ...facts } = hop({ id, mode });
    const one: OpenHop = { hop: { ...facts, image: null }, root, closing: null };
    open.add(one);
    return one;
  };
  const a = add('A', alice, 'inspect');
  const b = add('B', alice, 'direct');
  const c = add('C', bob, 'inspect');
  t.same([open.size, open.of(alice), open.all()], [3, [a, b], [a, b, c]]);
  b.closing = 'revoked: left';
  t.equal(open.delete('B'), 'revoked: left');
  t.equal(open.delete('B'), null, 'told once');
  t.equal(open.delete('A'), null, 'nobody closed it');
  t.same([open.get('C'), open.get('A'), open.size], [c, undefined, 1]);
});

t.test('names on their way: waited for, but not for long, and whatever becomes of them', async (t) => {
  const out: PromiseWithResolvers<readonly NameAnswer[]>[] = [];
  const names = new Names();
  let lives = true;
  const parser = new NamesParser({
    names,
    lives: () => lives,
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
  parser.parse('A', new Uint8Array(3));
  lives = false;
  out[3]?.resolve([{ address: '10.0.0.3', name: 'gone', ttl: 1 }]);
  await parser.settled();
  t.equal(names.nameOf('A', '10.0.0.3', 2), null, 'nothing is learnt for what is forgotten already');
});
