// What is below a revoked login ends on every host, whatever of the way there is over by then.
import t from 'tap';
import type { Root } from '../../src/attribution/roots.ts';
import type { Id } from '../../src/core/types.ts';
import { PeerRevocations, revokedThere } from '../../src/daemon/peer-revocations.ts';
import type { RevokeAsk, RevokedThere } from '../../src/peers/protocol.ts';
import { hop, id, login, T0, temporaryStore } from '../store/seed.ts';

/** Login 0 with hop 5 to login 50 on bastion2, and hop 6 to 60 on bastion3. */
function revocations() {
  const s = temporaryStore();
  const { writer, reader } = s.store;
  const roots = new Map<Id, Root>();
  const asked: [string, RevokeAsk][] = [];
  const over: string[] = [];
  const answers = new Map<string, RevokedThere>();
  const room = new PeerRevocations({
    ask: (async (host: string, _: string, params: RevokeAsk) => {
      asked.push([host, params]);
      const answer = answers.get(host);
      if (answer === undefined) throw new Error('it is not connected');
      return answer;
    }) as never,
    reader,
    rootOf: (of) => roots.get(of),
    end: async (root) => ({ closed: [`hop of ${root.id}`], silenced: [], open: [] }),
    over: (of, by, reason) => {
      over.push(`${of} ${by}: ${reason}`);
      writer.insertRevocation(of, { at: T0, by, reason });
    },
    onError: () => {},
    now: () => T0,
  });
  writer.insertLogin(login());
  for (const [n, host] of [
    [5, 'bastion2'],
    [6, 'bastion3'],
  ] as const) {
    writer.insertHop(hop({ id: id(n), protocol: 'ssh' }));
    writer.insertHopChild(id(n), { host, login: id(n * 10), at: T0 });
  }
  return { s, writer, room, roots, asked, over, answers, reader };
}

const none: RevokedThere = { logins: [], hops: [], beyond: [] };

t.test('one that is over is revoked where something below it was ended, once', async (t) => {
  const { s, room, asked, over, answers } = revocations();
  using _ = s;
  answers.set('bastion2', none).set('bastion3', none);
  const nothing = await room.tree([id(0)], 'uid 0', 'stolen');
  t.same(nothing.logins, []);
  t.strictSame(over, [], 'nothing of it is left anywhere');
  t.strictSame(
    asked.map(([host, { hops, by, reason }]) => [host, ...hops, by, reason]),
    [
      ['bastion2', id(5), 'uid 0', 'stolen'],
      ['bastion3', id(6), 'uid 0', 'stolen'],
    ],
  );
  const beyond = [{ host: 'bastion1', logins: [id(70)], hops: [], reason: null }];
  answers.set('bastion2', { logins: [id(50)], hops: [id(51)], beyond });
  for (const _ of [1, 2]) {
    const done = await room.tree([id(0)], 'uid 0', 'stolen');
    t.same(done.logins, [id(0)]);
    t.same(done.hosts, [
      { host: 'bastion2', logins: [id(50)], hops: [id(51)], reason: null },
      ...beyond,
      { host: 'bastion3', logins: [], hops: [], reason: null },
    ]);
  }
  t.strictSame(over, [`${id(0)} uid 0: stolen`]);
});

t.test('one that is over, and a host that is away: it is told when it is back', async (t) => {
  const { s, room, asked, over, answers } = revocations();
  using _ = s;
  answers.set('bastion3', none);
  const { logins, hosts } = await room.tree([id(0)], 'uid 0', 'stolen');
  t.same(logins, [id(0)]);
  t.match(hosts, [{ host: 'bastion2', reason: 'it is not connected' }, { reason: null }]);
  t.strictSame(over, [`${id(0)} uid 0: stolen`]);
  asked.length = 0;
  room.up('bastion2');
  t.strictSame(asked, [['bastion2', { hops: [id(5)], by: 'uid 0', reason: 'stolen' }]]);
});

t.test('one that lives', async (t) => {
  const { s, room, roots, over, answers } = revocations();
  using _ = s;
  roots.set(id(0), { id: id(0) } as Root);
  answers.set('bastion2', none).set('bastion3', none);
  const done = await room.tree([id(0)], 'uid 0', 'stolen');
  t.same(done.logins, [id(0)]);
  t.strictSame(over, []);
  t.same(revokedThere(done).hops, [`hop of ${id(0)}`]);
});

t.test('a hop that was revoked while the other host was away', async (t) => {
  const { s, room, writer, asked } = revocations();
  using _ = s;
  const end = { at: T0, bytesUp: 1, bytesDown: 1 };
  writer.insertHopEnd(id(5), { ...end, reason: 'revoked by uid 0: strayed\nfar' });
  writer.insertHopEnd(id(6), { ...end, reason: 'the host said: revoked by uid 0: nonsense' });
  room.up('bastion2');
  room.up('bastion3');
  t.strictSame(asked, [['bastion2', { hops: [id(5)], by: 'uid 0', reason: 'strayed\nfar' }]]);
});

t.test('a person whose logins are all over is known by what came by them', async (t) => {
  const { s, writer, reader } = revocations();
  using _ = s;
  const began = Date.now() * 1000 - 60_000_000;
  const bob = { user: 'bob', started: began } as const;
  writer.insertLogin(login({ ...bob, id: id(1) }));
  writer.insertLogin(login({ ...bob, id: id(2) }));
  writer.insertHop(hop({ id: id(9), login: id(1) }));
  for (const n of [1, 2]) writer.insertLoginEnd(id(n), { at: began + 1, lingering: false });
  t.throws(() => reader.resolve('user:bob'), /no open login/);
  writer.insertHopChild(id(9), { host: 'bastion2', login: id(90), at: began });
  t.match(reader.resolve('bob'), { type: 'user', logins: [{ id: id(1) }] });
});
