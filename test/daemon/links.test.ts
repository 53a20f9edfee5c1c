// By which hop of another host a login came: what each kind of evidence is worth, and what is said where there is none.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Root } from '../../src/attribution/roots.ts';
import type { Link, Linked } from '../../src/core/types.ts';
import { Links } from '../../src/daemon/links.ts';
import { Unanswered } from '../../src/daemon/unanswered.ts';
import { macOf } from '../../src/kernel/hop-option.ts';
import { PeerError } from '../../src/peers/connection.ts';
import type { Resolve, Resolved } from '../../src/peers/protocol.ts';

const LOGIN = 'CR6CGPN97F02';
const HOP = 'CR6CGPN97F01';
const KEY = Buffer.alloc(16, 1);
const HANDLE = Buffer.from('0123456789abcdef', 'hex');
const client = { address: '10.77.0.11', port: 40_000 };
const server = { address: '10.77.0.12', port: 22 };
const arriving = { client, server, at: 1_000_000 };
const found: Resolved = { hop: HOP, depth: 1, revoked: false, source: client };

interface Options {
  readonly syn?: { handle: Buffer; mac: Buffer } | null;
  readonly nat?: boolean;
  readonly owner?: boolean;
  readonly joined?: boolean;
  /** Of a room that was there before. */
  readonly path?: string;
  answer?(question: Resolve): Promise<Resolved>;
  /** Microseconds, and milliseconds. */
  wall?: number;
  ticks?: number;
}

function links(t: Test, options: Options = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'hopline-links-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'fleet/unanswered.json');
  const learnt: Link[] = [];
  const asked: [string, string, unknown][] = [];
  const revoked: string[] = [];
  const root = { id: LOGIN, link: null, parentHop: null } as unknown as Root;
  const mutable = { ...options };
  const room = new Links({
    ask: (async (host: string, method: string, params: unknown) => {
      asked.push([host, method, params]);
      return (mutable.answer ?? (async () => found))(params as Resolve);
    }) as never,
    host: 'bastion2',
    isOwn: (address) => address === '127.0.0.1',
    peering: {
      ownerOf: () => ((options.owner ?? true) ? ({ host: 'bastion1' } as never) : null),
      natOf: () => options.nat ?? false,
      signers: () => [
        { host: 'bastion3', key: Buffer.alloc(16, 3) },
        { host: 'bastion1', key: KEY },
      ],
      state: { joined: options.joined ?? true } as never,
    },
    option: { takeArrived: () => options.syn ?? null },
    path: options.path ?? path,
    onError: (error) => t.fail(error.message),
    learn: (of, { link }) => {
      learnt.push(link);
      Object.assign(of, { link, parentHop: link.hop });
    },
    revoke: (_root, by, reason) => revoked.push(`${by}: ${reason}`),
    now: () => mutable.wall ?? 3_000_000,
    ticks: () => mutable.ticks ?? 500,
  });
  const arrive = async (certified: Linked | null = null) => {
    if (certified) Object.assign(root, { link: certified, parentHop: certified.hop });
    room.arrived(root, arriving, certified);
    await new Promise((resolve) => setImmediate(resolve));
    return learnt.at(-1);
  };
  return { room, arrive, root, learnt, asked, revoked, mutable, path };
}

const syn = { handle: HANDLE, mac: macOf(KEY, HANDLE) };
const linked = (evidence: Linked['evidence']) => ({
  evidence,
  host: 'bastion1',
  hop: HOP,
  depth: 1,
  reason: null,
});

t.test('the SYN option before the four-tuple: who signed it is asked', async (t) => {
  const { arrive, asked } = links(t, { syn });
  t.same(await arrive(), linked('syn-option'));
  t.strictSame(asked, [
    [
      'bastion1',
      'resolve',
      { login: LOGIN, agoMs: 2_000, client, server, handle: '0123456789abcdef', nat: false },
    ],
  ]);
});

t.test('without one, who owns the address is asked', async (t) => {
  const { arrive, asked } = links(t);
  t.same(await arrive(), linked('four-tuple'));
  t.match(asked, [['bastion1', 'resolve', { handle: null, nat: false }]]);
});

t.test('from elsewhere nobody is asked, and nothing said', async (t) => {
  const { arrive, asked } = links(t, { owner: false });
  t.equal(await arrive(), undefined);
  t.strictSame(asked, []);
  const alone = links(t, { joined: false, syn });
  t.equal(await alone.arrive(), undefined);
});

t.test('a certificate is enough: its host is told, and says how deep it is', async (t) => {
  const certificate = linked('certificate') as Linked;
  const { arrive, asked, learnt, mutable } = links(t, { syn });
  await arrive(certificate);
  t.strictSame(asked, [['bastion1', 'child', { hop: HOP, login: LOGIN }]]);
  t.strictSame(learnt, [], 'which is known already');
  mutable.answer = async () => ({ ...found, depth: 3 });
  t.same(await arrive(certificate), { ...certificate, depth: 3 });
  mutable.answer = async () => {
    throw new PeerError('gone');
  };
  const { length } = learnt;
  await arrive(certificate);
  t.equal(learnt.length, length, 'and stays so where the host does not answer');
});

t.test('evidence that does not hold leads to nothing else', async (t) => {
  const unlinked = (host: string | null, reason: RegExp | string) => ({
    evidence: null,
    host,
    hop: null,
    reason,
  });
  const forged = links(t, { syn: { handle: HANDLE, mac: Buffer.alloc(8) } });
  t.match(
    await forged.arrive(),
    unlinked(null, 'its SYN option has a MAC that no host of the fleet has made'),
  );
  t.strictSame(forged.asked, [], 'the address is not asked for');

  const replayed = links(t, {
    syn,
    answer: () => Promise.reject(new PeerError('the handle of its SYN option was used before', true)),
  });
  t.match(
    await replayed.arrive(),
    unlinked('bastion1', 'syn-option: the handle of its SYN option was used before'),
  );

  const moved = { ...found, source: { address: '10.77.0.11', port: 40_001 } };
  const elsewhere = links(t, { syn, answer: async () => moved });
  t.match(
    await elsewhere.arrive(),
    unlinked('bastion1', /left bastion1 from 10\.77\.0\.11 port 40001, and came from elsewhere \(nat: true/),
  );
  const translated = links(t, { syn, nat: true, answer: async () => moved });
  t.same(await translated.arrive(), linked('syn-option'));
  t.match(translated.asked, [['bastion1', 'resolve', { nat: true }]]);
});

t.test('of what PAM has not told nobody is asked, and it is said', async (t) => {
  const reason = /^PAM has not told of it/;
  const from = (options: Options, address: string) => {
    const { room, root, learnt, asked } = links(t, options);
    room.untold(root, { address, port: 1 });
    t.strictSame(asked, []);
    return learnt;
  };
  t.match(from({}, client.address), [{ evidence: null, host: 'bastion1', hop: null, depth: 0, reason }]);
  t.match(from({ joined: false }, '127.0.0.1'), [{ evidence: null, host: 'bastion2', reason }]);
  t.strictSame(from({ owner: false }, '10.77.0.99'), []);
  t.strictSame(from({ joined: false }, client.address), []);
  const told = links(t);
  told.room.arrived(told.root, arriving, null);
  await told.room.settled(LOGIN);
  told.room.untold(told.root, client);
  t.match(told.learnt, [{ evidence: 'four-tuple' }], 'what is known stays');
});

t.test('a host that does not answer is asked again when it does', async (t) => {
  const { room, arrive, asked, mutable, learnt } = links(t, {
    answer: () => Promise.reject(new PeerError('it is away')),
  });
  t.match(await arrive(), {
    evidence: null,
    host: 'bastion1',
    reason: 'four-tuple: bastion1 does not answer: it is away; it is asked again when it does',
  });
  room.retry('bastion9');
  t.equal(asked.length, 1);
  mutable.answer = async () => found;
  room.retry('bastion1');
  await new Promise((resolve) => setImmediate(resolve));
  t.same(learnt.at(-1), linked('four-tuple'));
  room.retry('bastion1');
  t.equal(asked.length, 2, 'once');
});

t.test('a clock that is set while a login waits changes nothing; a day does', async (t) => {
  const { room, arrive, asked, mutable, learnt } = links(t, {
    answer: () => Promise.reject(new PeerError('it is away')),
  });
  await arrive();
  t.match(asked, [['bastion1', 'resolve', { agoMs: 2_000 }]]);
  Object.assign(mutable, { wall: 3_000_000 + 9 * 86_400_000_000, ticks: 1_500 });
  room.retry();
  await new Promise((resolve) => setImmediate(resolve));
  t.match(asked[1], ['bastion1', 'resolve', { agoMs: 3_000 }]);
  mutable.ticks = 90_000_000;
  mutable.answer = async () => found;
  room.retry();
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(asked.length, 2);
  t.match(learnt.at(-1), { evidence: null });
});

t.test('what is revoked there is revoked here', async (t) => {
  const { arrive, revoked } = links(t, { answer: async () => ({ ...found, revoked: true }) });
  await arrive();
  t.strictSame(revoked, ['bastion1: the login on bastion1 by which it came was revoked']);
});

t.test('what a login does meanwhile waits for the answer, and not for ever', async (t) => {
  const { promise, resolve } = Promise.withResolvers<Resolved>();
  const { room, arrive, learnt } = links(t, { answer: () => promise });
  await arrive();
  t.equal(room.settled('CR6CGPN97F99'), null, 'another login does not');
  const began = performance.now();
  await room.settled(LOGIN);
  t.ok(performance.now() - began > 1_900);
  t.strictSame(learnt, []);
  const waiting = room.settled(LOGIN);
  resolve(found);
  await waiting;
  t.same(learnt, [linked('four-tuple')]);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(room.settled(LOGIN), null);
});

t.test('what has no answer is asked again by the daemon after this one', async (t) => {
  for (const when of ['was told that there is none', 'still waits']) {
    const silent = async () => {
      if (when === 'still waits') await new Promise(() => {});
      throw new PeerError('it did not answer within 5 s');
    };
    const before = links(t, { syn, answer: silent });
    await before.arrive();
    before.room.stop();
    const after = links(t, { path: before.path });
    after.room.resume((login) => (login === LOGIN ? after.root : null));
    after.room.retry('bastion3');
    t.same(after.asked, []);
    after.room.retry('bastion1');
    await new Promise((resolve) => setImmediate(resolve));
    t.same(after.learnt, [linked('syn-option')], when);
    t.strictSame(after.asked, before.asked, 'with the handle that the SYN had');
    after.room.stop();
    const last = links(t, { path: before.path });
    last.room.resume(() => last.root);
    last.room.retry();
    t.same(last.asked, [], 'what was answered is not');
  }
});

t.test('what is kept of questions and is not readable is told of', async (t) => {
  const { path, room, arrive } = links(t, { answer: () => Promise.reject(new PeerError('it is away')) });
  await arrive();
  room.stop();
  const kept = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify([{ ...kept[0], evidence: 'a guess' }, 7, { login: LOGIN }, ...kept]));
  const errors: string[] = [];
  t.equal(
    new Unanswered(
      path,
      () => [],
      () => {},
    ).read().length,
    1,
  );
  writeFileSync(path, '[{');
  const none = new Unanswered(
    path,
    () => [],
    ({ message }) => errors.push(message),
  );
  t.same(none.read(), []);
  t.equal(errors.length, 1);
});

t.test('from this host to this host: it asks itself, in no fleet too', async (t) => {
  const { room, root, asked, learnt, mutable } = links(t, { joined: false });
  const own = { client: { address: '127.0.0.1', port: 40_000 }, server: { address: '127.0.0.1', port: 22 } };
  const arrive = async (answer: () => Promise<Resolved>) => {
    mutable.answer = answer;
    room.arrived(root, { ...own, at: 1_000_000 }, null);
    await new Promise((resolve) => setImmediate(resolve));
  };
  await arrive(() => Promise.reject(new PeerError('it came by a service of this host', true)));
  t.strictSame(learnt, [], 'a tunnel of the host’s: it came from nowhere else that is known');
  await arrive(async () => ({ ...found, source: own.client }));
  t.strictSame(asked[1], [
    'bastion2',
    'resolve',
    { login: LOGIN, agoMs: 2_000, ...own, handle: null, nat: false },
  ]);
  t.same(learnt, [{ ...linked('four-tuple'), host: 'bastion2' }]);
});
