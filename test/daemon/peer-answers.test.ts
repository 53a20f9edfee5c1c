// What a host answers the others: of what is joined to them, and of nothing else.
import t from 'tap';
import type { Root } from '../../src/attribution/roots.ts';
import { PeerAnswers } from '../../src/daemon/peer-answers.ts';
import { PeerTrees } from '../../src/daemon/peer-trees.ts';
import type { Offered } from '../../src/kernel/hop-option.ts';
import type { Request, Resolve } from '../../src/peers/protocol.ts';
import { hop, id, login, T0, temporaryStore } from '../store/seed.ts';

const SECOND = 1_000_000;
const source = { address: '10.77.0.11', port: 40_000 };
const destination = { address: '10.77.0.12', port: 22 };
const HANDLE = '0123456789abcdef';

function answers() {
  const s = temporaryStore();
  const { writer, reader } = s.store;
  const offered = new Map<string, Offered>();
  const revoked: string[] = [];
  const beyond: [string, unknown][] = [];
  const trees = new PeerTrees({
    ask: (async (host: string, _: string, params: unknown) => {
      beyond.push([host, params]);
      return { parts: [{ host, logins: '[]' }], absent: [] };
    }) as never,
  });
  const roots = new Map<string, Root>();
  const room = new PeerAnswers({
    host: 'bastion1',
    peering: {
      state: { members: [{ host: 'bastion2', hello: { addresses: ['10.77.0.12'] } }] } as never,
    },
    ...{ trees, reader },
    option: {
      takeOffered: (handle) => {
        const found = offered.get(handle.toString('hex')) ?? null;
        offered.delete(handle.toString('hex'));
        return found;
      },
    },
    rootOf: (login) => roots.get(login),
    child: (of, child) => void writer.insertHopChild(of, child),
    revoke: async (all, by, reason) => {
      revoked.push(...all.map((login) => `${login} ${by}: ${reason}`));
      return { logins: all, hops: [], beyond: [] };
    },
    settle: () => {},
    wallAt: (ns) => Number(ns / 1000n),
    ago: (ms) => T0 + 10 * SECOND - ms * 1000,
    now: () => T0 + 10 * SECOND,
  });
  writer.insertLogin(login());
  const ask = (request: Request, host = 'bastion2') => room.answer(host, request);
  const resolve = (over: Partial<Resolve> = {}) =>
    ask({
      method: 'resolve',
      params: {
        login: id(50),
        agoMs: 4_000,
        client: source,
        server: destination,
        handle: null,
        nat: false,
        ...over,
      },
    });
  return { s, writer, reader, ask, resolve, offered, revoked, beyond, roots };
}

const outward = (n: number, over: Parameters<typeof hop>[0] = {}) =>
  hop({ id: id(n), destination, protocol: 'ssh', target: null, started: T0 + 5 * SECOND, ...over });

t.test('by the four-tuple: the connection that lived then', async (t) => {
  const { s, writer, reader, resolve } = answers();
  using _ = s;
  writer.insertHop(outward(5));
  writer.insertHopDial(id(5), source);
  t.same(await resolve(), { hop: id(5), depth: 1, revoked: false, source });
  t.match(reader.hop(id(5)), { childLogin: id(50), childHost: 'bastion2', dialed: source });
});

t.test('a direct connection left by itself', async (t) => {
  const { s, writer, resolve } = answers();
  using _ = s;
  writer.insertHop(outward(5, { mode: 'direct', source }));
  t.match(await resolve(), { hop: id(5) });
});

t.test('a port is used again: what was over by then is not it, and of two nothing is guessed', async (t) => {
  const { s, writer, resolve } = answers();
  using _ = s;
  for (const n of [1, 5]) {
    writer.insertHop(outward(n, { started: T0 + n * SECOND, ended: T0 + (n + 1) * SECOND }));
    writer.insertHopDial(id(n), source);
  }
  await t.rejects(resolve(), /several connections used that port/);
  writer.insertHop(outward(7, { started: T0 + 6 * SECOND }));
  writer.insertHopDial(id(7), source);
  t.match(await resolve(), { hop: id(7) }, 'the one that is open');
});

t.test('none, a refused one, one to another host', async (t) => {
  const { s, writer, resolve } = answers();
  using _ = s;
  writer.insertHop(outward(5, { mode: 'denied', ended: T0 + 5 * SECOND }));
  writer.insertHopDial(id(5), source);
  await t.rejects(resolve(), /no connection of this host is known to have left from there/);
  await t.rejects(
    resolve({ server: { address: '10.77.0.20', port: 22 } }),
    /10\.77\.0\.20 is no address that bastion2 says it has/,
  );
});

t.test('by the SYN option: for one login, once', async (t) => {
  const { s, writer, reader, resolve, offered } = answers();
  using _ = s;
  writer.insertHop(outward(5));
  writer.insertHopDial(id(5), source);
  offered.set(HANDLE, { source, destination, atNs: BigInt(T0 + 5 * SECOND) * 1000n });
  t.match(await resolve({ handle: HANDLE }), { hop: id(5), source });
  t.match(await resolve({ handle: HANDLE }), { hop: id(5) }, 'asked again, where the answer was lost');
  await t.rejects(resolve({ handle: HANDLE, login: id(51) }), /was used before/);
  t.equal(reader.hop(id(5)).childLogin, id(50));
  await t.rejects(resolve({ handle: 'ffffffffffffffff', login: id(51) }), /is of no connection of this host/);
});

t.test(
  'by the SYN option from elsewhere: a copy takes nothing from the login that it is a copy of',
  async (t) => {
    const { s, writer, reader, resolve, offered } = answers();
    using _ = s;
    writer.insertHop(outward(5));
    writer.insertHopDial(id(5), source);
    offered.set(HANDLE, { source, destination, atNs: BigInt(T0 + 5 * SECOND) * 1000n });
    const copied = { handle: HANDLE, login: id(51), client: { address: '192.0.2.9', port: 7 } };
    await t.rejects(
      resolve(copied),
      /^the connection left bastion1 from 10\.77\.0\.11 port 40000, and came from elsewhere/,
    );
    t.equal(reader.hop(id(5)).childLogin, null);
    t.match(await resolve({ handle: HANDLE }), { hop: id(5) });
    t.equal(reader.hop(id(5)).childLogin, id(50));
    await t.rejects(resolve({ ...copied, nat: true }), /was used before/);
  },
);

t.test('by the SYN option where addresses are translated', async (t) => {
  const { s, writer, resolve, offered } = answers();
  using _ = s;
  writer.insertHop(outward(5));
  writer.insertHopDial(id(5), source);
  offered.set(HANDLE, { source, destination, atNs: BigInt(T0 + 5 * SECOND) * 1000n });
  const client = { address: '192.0.2.9', port: 7 };
  t.match(await resolve({ handle: HANDLE, client, nat: true }), { hop: id(5), source });
});

t.test('what was told is told again, also by a daemon that has been restarted since', async (t) => {
  const { s, writer, resolve } = answers();
  using _ = s;
  writer.insertHop(outward(5));
  writer.insertHopDial(id(5), source);
  writer.insertHopChild(id(5), { host: 'bastion2', login: id(50), at: T0 + 6 * SECOND });
  t.match(await resolve({ handle: HANDLE }), { hop: id(5), source });
  await t.rejects(resolve({ login: id(51), handle: HANDLE }), /is of no connection of this host/);
});

t.test('a revoked login, and one that came from elsewhere itself', async (t) => {
  const { s, writer, resolve, roots } = answers();
  using _ = s;
  writer.insertHop(outward(5));
  writer.insertHopDial(id(5), source);
  roots.set(id(0), { id: id(0), revoked: T0, link: { evidence: 'four-tuple', depth: 2 } } as never);
  t.match(await resolve(), { depth: 3, revoked: true });
});

t.test('a certificate names its hop: one by SSH', async (t) => {
  const { s, writer, reader, ask } = answers();
  using _ = s;
  writer.insertHop(outward(5));
  writer.insertHop(hop({ id: id(6) }));
  const child = (of: string): Request => ({ method: 'child', params: { hop: of, login: id(50) } });
  t.same(await ask(child(id(5))), { hop: id(5), depth: 1, revoked: false, source: null });
  t.equal(reader.hop(id(5)).childLogin, id(50));
  await t.rejects(ask(child(id(6))), /is no connection by SSH/);
  await t.rejects(ask(child(id(99))), /no hop/);
});

t.test('trees: up for whoever came by the hop, down for whose hop it is', async (t) => {
  const { s, writer, ask, beyond } = answers();
  using _ = s;
  const link = { evidence: 'four-tuple', host: 'bastion9', hop: id(-9), depth: 1, reason: null } as const;
  writer.insertIdentity(id(0), { at: T0, link });
  writer.insertHop(outward(5));
  writer.insertHopChild(id(5), { host: 'bastion2', login: id(50), at: T0 });
  const tree = (host: string, up: string[], down: string[]) =>
    ask({ method: 'tree', params: { up, down, asked: ['bastion2'] } }, host) as Promise<{
      parts: { host: string; logins: string }[];
    }>;
  const { parts } = await tree('bastion2', [id(5)], []);
  t.equal(parts.length, 2);
  t.match(JSON.parse(parts[0]?.logins ?? ''), [{ id: id(0), parentHop: id(-9), hops: [{ id: id(5) }] }]);
  t.strictSame(beyond, [['bastion9', { up: [id(-9)], down: [], asked: ['bastion2', 'bastion2'] }]]);
  t.same((await tree('bastion3', [id(5)], [])).parts, [], 'bastion3 has nothing to do with it');
  t.same((await tree('bastion2', [], [id(-9)])).parts, [], 'that hop is bastion9’s');
  t.equal((await tree('bastion9', [], [id(-9)])).parts.length, 2, 'and what is below goes on to bastion2');
});

t.test('a revocation is taken from the host whose hop it is', async (t) => {
  const { s, writer, ask, revoked } = answers();
  using _ = s;
  const link = { evidence: 'four-tuple', host: 'bastion9', hop: id(-9), depth: 1, reason: null } as const;
  writer.insertIdentity(id(0), { at: T0, link });
  const revoke: Request = { method: 'revoke', params: { hops: [id(-9)], by: 'uid 0', reason: 'gone' } };
  t.same(await ask(revoke, 'bastion2'), { logins: [], hops: [], beyond: [] });
  t.strictSame(revoked, []);
  t.same(await ask(revoke, 'bastion9'), { logins: [id(0)], hops: [], beyond: [] });
  t.strictSame(revoked, [`${id(0)} uid 0 on bastion9: gone`]);
});

t.test(
  'it asks itself of what came from it to it: by a person’s login, and by none of its services',
  async (t) => {
    const { s, writer, reader, ask } = answers();
    using _ = s;
    const service = { kind: 'unattended', source: 'service' } as const;
    writer.insertLogin(login({ id: id(1), ...service }));
    const own = { address: '127.0.0.1', port: 22 };
    for (const [n, port] of [
      [0, 40_000],
      [1, 40_001],
    ] as const)
      writer.insertHop(
        outward(5 + n, {
          login: id(n),
          destination: own,
          mode: 'direct',
          source: { address: '127.0.0.1', port },
        }),
      );
    const resolve = (port: number, of: string) =>
      ask(
        {
          method: 'resolve',
          params: {
            login: of,
            agoMs: 4_000,
            client: { address: '127.0.0.1', port },
            server: own,
            handle: null,
            nat: false,
          },
        },
        'bastion1',
      );
    t.match(await resolve(40_000, id(50)), { hop: id(5), depth: 1 });
    t.match(reader.hop(id(5)), { childLogin: id(50), childHost: 'bastion1' });
    await t.rejects(resolve(40_001, id(51)), /it came by a service of this host/);
    t.equal(reader.hop(id(6)).childLogin, null);
    const began = performance.now();
    await t.rejects(resolve(40_002, id(52)), /no connection of this host is known/);
    t.ok(performance.now() - began < 1_000, 'over loopback there is nothing to wait for');
  },
);

t.test('hello, ping and join are the process’s own', async (t) => {
  const { s, ask } = answers();
  using _ = s;
  await t.rejects(ask({ method: 'ping', params: {} }), /ping is not asked for here/);
});
