/** What becomes of live hops when a login, or what it may do, is over. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t from 'tap';
import type { Attribution } from '../../src/attribution/attribution.ts';
import type { Root } from '../../src/attribution/roots.ts';
import { destroy, type Ends } from '../../src/daemon/destroy.ts';
import { type OpenHop, OpenHops } from '../../src/daemon/open-hops.ts';
import { Revocations, restoreRevocations } from '../../src/daemon/revoke.ts';
import type { StoreRecorder } from '../../src/daemon/store-recorder.ts';
import { HlTally } from '../../src/kernel/layouts.generated.ts';
import type { KernelMaps } from '../../src/kernel/maps.ts';
import { hop, T0 } from '../store/seed.ts';

const SOURCE = { address: '10.77.0.11', port: 40_001 };

class Setup {
  readonly open = new OpenHops();
  readonly revoked = new Map<bigint, number>();
  readonly tallies = new Map<number, bigint>();
  readonly recorded: string[] = [];
  readonly reset: string[] = [];
  /** Sources of the connections that the kernel has. */
  there = new Set<number>();
  /** Hops whose end the kernel reports while ss runs. */
  ending: string[] = [];
  fails = false;
  readonly errors: string[] = [];
  readonly maps = {
    revoked: {
      set: (key: bigint, value: number) => this.revoked.set(key, value),
      keys: () => [...this.revoked.keys()],
    },
    tallies: { set: (key: number, value: bigint) => this.tallies.set(key, value) },
  } as unknown as KernelMaps;
  readonly revocations = new Revocations({
    maps: this.maps,
    attribution: { store: () => {} } as unknown as Attribution,
    record: {
      revocation: () => this.recorded.push('revocation'),
      notice: ({ kind }: { kind: string }) => this.recorded.push(kind),
      flush: () => true,
    } as unknown as StoreRecorder,
    open: this.open,
    pool: () => ({ close: (id) => this.reset.push(id) > 0 && id !== 'GONE', endShells: () => 0 }),
    destroy: async (all) => {
      if (this.fails) throw new Error('no ss');
      return new Set(all.filter(({ source }) => this.there.has(source.port)));
    },
    drain: () => {
      for (const id of this.ending) this.open.delete(id);
    },
    onError: ({ message }) => this.errors.push(message),
    now: () => T0,
  });

  add(id: string, root: Root | null, over: Parameters<typeof hop>[0]): OpenHop {
    const { process: _, ...facts } = hop({ id, ...over });
    const open: OpenHop = { hop: { ...facts, image: null }, root, closing: null };
    this.open.add(open);
    return open;
  }
}

const root = (kernelId: bigint, over: Partial<Root> = {}) =>
  ({ id: `R${kernelId}`, kernelId, revoked: null, ...over }) as Root;

t.test('a login: the kernel first, then what is live, each as what it is', async (t) => {
  const s = new Setup();
  const [alice, bob] = [root(7n), root(8n)];
  s.add('INSPECTED', alice, { mode: 'inspect' });
  s.add('GONE', alice, { mode: 'inspect' });
  const direct = s.add('DIRECT', alice, { mode: 'direct', source: SOURCE });
  const other = s.add('ELSEWHERE', alice, { mode: 'direct', source: { ...SOURCE, port: 40_002 } });
  s.add('ENDED', alice, { mode: 'direct', source: { ...SOURCE, port: 40_003 } });
  s.add('OLD', alice, { mode: 'direct', source: null });
  s.add('UDP', alice, { mode: 'direct', transport: 'udp', source: null });
  s.add('BOBS', bob, { mode: 'direct', source: { ...SOURCE, port: 40_004 } });
  s.there = new Set([40_001, 40_004]);
  s.ending = ['ENDED'];
  const done = await s.revocations.login(alice, 'uid 0', 'left');
  t.same([...s.revoked.keys()], [7n]);
  t.equal(s.tallies.get(HlTally.TALLY_REVOCATIONS), 1n);
  t.same(s.recorded, ['revocation', 'revoke']);
  t.same(done.closed, ['INSPECTED', 'DIRECT']);
  t.same(done.silenced, ['UDP'], 'nothing to close, and nothing gets out');
  t.match(done.open, [
    { hop: 'OLD', reason: /tcp has no/ },
    { hop: 'ELSEWHERE', reason: /no such connection in this network namespace/ },
  ]);
  t.equal(done.open.length, 2, 'what has ended by itself meanwhile is neither');
  t.same([direct.closing, other.closing], ['revoked: left', null]);
  t.same(s.reset, ['INSPECTED', 'GONE']);
});

t.test('UDP of a login that may go on can not be closed', async (t) => {
  const s = new Setup();
  const open = s.add('UDP', root(7n), { mode: 'direct', transport: 'udp', source: null });
  const done = await s.revocations.close([{ open, reason: 'x' }]);
  t.match(done, { closed: [], silenced: [], open: [{ hop: 'UDP', reason: /udp has no connection/ }] });
});

t.test('where ss can not be run nothing is said to be closed', async (t) => {
  const s = new Setup();
  const open = s.add('DIRECT', null, { mode: 'direct', source: SOURCE });
  s.there = new Set([SOURCE.port]);
  s.fails = true;
  const done = await s.revocations.close([{ open, reason: 'x' }]);
  t.match(done, { closed: [], open: [{ hop: 'DIRECT' }] });
  t.same([s.errors, open.closing], [['no ss'], null]);
});

t.test('who was revoked is told to a kernel that has forgotten', async (t) => {
  const s = new Setup();
  restoreRevocations(s.maps, [root(7n, { revoked: T0 }), root(8n), root(9n, { revoked: T0 })]);
  t.same([...s.revoked.keys()], [7n, 9n]);
  t.equal(s.tallies.get(HlTally.TALLY_REVOCATIONS), 2n);
});

t.test(
  'the kernel closes connections of either family, many at a time, and tells which it had',
  { skip: process.getuid?.() === 0 ? false : 'closing connections needs root' },
  async (t) => {
    const server = createServer((socket) => socket.on('error', () => {}));
    server.listen(0, '::');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const hosts = ['127.0.0.1', '::1', '::ffff:127.0.0.1'];
    const sockets: Socket[] = [];
    const all: Ends[] = [];
    for (let n = 0; n < 220; n++) {
      const host = hosts[n % 3] ?? '';
      const socket = connect({ host, port }).on('error', () => {});
      await once(socket, 'connect');
      sockets.push(socket);
      const plain = (address = '') => address.replace('::ffff:', '');
      const source = { address: plain(socket.localAddress), port: socket.localPort ?? 0 };
      all.push({ source, destination: { address: plain(host), port } });
    }
    const kept = all.pop();
    const nowhere = { source: SOURCE, destination: { address: '10.77.0.20', port: 1 } };
    const closed = await destroy([...all, nowhere]);
    t.same([closed.size, closed.has(nowhere), kept === undefined], [219, false, false]);
    t.ok(all.every((one) => closed.has(one)));
    await Promise.all(sockets.slice(0, -1).map((socket) => socket.closed || once(socket, 'close')));
    t.equal(sockets.at(-1)?.destroyed, false, 'and no other');
    t.same(await destroy([]), new Set());
    sockets.at(-1)?.destroy();
    server.close();
  },
);
