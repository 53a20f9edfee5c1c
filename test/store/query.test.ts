import t from 'tap';
import type { Reader } from '../../src/store/reader.ts';
import { allow, hop, id, login, process, T0, temporaryStore } from './seed.ts';

const ids = (list: readonly { id: string }[]) => list.map((one) => one.id);

function seeded() {
  const s = temporaryStore();
  const { writer } = s.store;
  writer.batch(() => {
    writer.insertLogin(login());
    writer.insertLogin(login({ id: id(100), user: 'bob', started: T0 + 100_000_000 }));
    writer.insertLogin(login({ id: id(200), started: T0 + 200_000_000, ended: T0 + 300_000_000 }));
    writer.insertProcess(process());
    writer.insertHop(hop());
    writer.insertHop(
      hop({ id: id(106), login: id(100), started: T0 + 106_000_000, target: null, name: 'web1' }),
    );
    writer.insertHop(
      hop({ id: id(107), login: null, process: null, started: T0 + 107_000_000, ended: T0 + 108_000_000 }),
    );
    writer.insertHop(
      hop({
        id: id(108),
        login: id(200),
        started: T0 + 108_000_000,
        ended: T0 + 108_000_000,
        mode: 'denied',
        destination: { address: '2001:db8::7', port: 443 },
        target: null,
        decision: { ...allow, outcome: 'deny' },
      }),
    );
  });
  return s;
}

t.test('logins: the open ones, newest first, and by filter', async (t) => {
  using s = seeded();
  const { reader } = s.store;
  t.strictSame(ids(reader.logins()), [id(100), id(0)]);
  t.strictSame(ids(reader.logins({ all: true })), [id(200), id(100), id(0)]);
  t.strictSame(ids(reader.logins({ user: 'alice', all: true })), [id(200), id(0)]);
  t.strictSame(ids(reader.logins({ since: T0 + 1, limit: 1 })), [id(100)]);
});

t.test('hops by login, user, target, name, address, outcome, time', async (t) => {
  using s = seeded();
  const { reader } = s.store;
  const found = (filter: Parameters<Reader['hops']>[0]) => ids(reader.hops(filter));
  t.strictSame(found({}), [id(108), id(107), id(106), id(5)]);
  t.strictSame(found({ login: id(0) }), [id(5)]);
  t.strictSame(found({ user: 'bob' }), [id(106)]);
  t.strictSame(found({ target: 'orders-db' }), [id(107), id(5)]);
  t.strictSame(found({ target: 'web1' }), [id(106)]);
  t.strictSame(found({ target: '2001:db8::7' }), [id(108)]);
  t.strictSame(found({ outcome: 'deny' }), [id(108)]);
  t.strictSame(found({ outcome: 'allow', limit: 1 }), [id(107)]);
  t.strictSame(found({ unattributed: true }), [id(107)]);
  t.strictSame(found({ open: true }), [id(106), id(5)]);
  t.strictSame(found({ since: T0 + 107_500_000 }), [id(108)]);
});

t.test('a login by the beginning of its id, as a person types it', async (t) => {
  using s = seeded();
  const { reader } = s.store;
  t.equal(reader.login(id(100)).user, 'bob');
  t.equal(reader.login(id(100).toLowerCase()).user, 'bob');
  let unique = 1;
  while ([id(0), id(200)].some((other) => other.startsWith(id(100).slice(0, unique)))) unique++;
  t.equal(reader.login(id(100).slice(0, unique)).user, 'bob');
  t.throws(() => reader.login(id(100).slice(0, 2)), {
    code: 'ambiguous',
    candidates: [id(0), id(100), id(200)],
  });
  t.throws(() => reader.login('ZZZZ'), { code: 'not_found' });
  t.throws(() => reader.login('%'), { code: 'not_found' });
  t.throws(() => reader.login(''), { code: 'not_found' });
});

t.test('what to revoke: a user, a login, a hop', async (t) => {
  using s = seeded();
  const { reader } = s.store;
  t.match(reader.resolve('bob'), { type: 'user', logins: [{ id: id(100) }] });
  t.match(reader.resolve(id(100)), { type: 'login', login: { id: id(100) } });
  t.match(reader.resolve(`hop:${id(5)}`), { type: 'hop', hop: { id: id(5) } });
  t.match(reader.resolve(id(5)), { type: 'hop' });
  t.throws(() => reader.resolve('carol'), { code: 'not_found' });
  t.throws(() => reader.resolve('user:carol'), { code: 'not_found' });
  s.store.writer.insertLogin(login({ id: id(400), user: id(5).slice(0, 12) }));
  t.throws(() => reader.resolve(id(5)), { code: 'ambiguous', candidates: [`user:${id(5)}`, `hop:${id(5)}`] });
});

t.test('trees: recent and open ones, the rest on demand, hops of nobody apart', async (t) => {
  using s = seeded();
  const { reader } = s.store;
  const later = T0 + 86_400_000_000 + 150_000_000;
  const recent = reader.tree({ now: later });
  t.strictSame(ids(recent.logins), [id(0), id(100), id(200)], 'oldest first; open ones whatever their age');
  t.strictSame(ids(recent.unattributed), []);
  const all = reader.tree({ all: true, limit: 2, now: later });
  t.strictSame([ids(all.logins), all.omitted], [[id(100), id(200)], 1]);
  t.strictSame(ids(all.unattributed), [id(107)]);
  t.strictSame(Object.keys(all.logins[0] ?? {}).slice(-4), ['processes', 'hops', 'recordings', 'handoffs']);
});

t.test('handoffs, notices, figures', async (t) => {
  using s = seeded();
  const { reader, writer } = s.store;
  const first = writer.insertNotice({
    at: T0,
    kind: 'gap',
    login: null,
    count: 3,
    detail: 'three were lost',
  });
  const second = writer.insertNotice({ at: T0 + 5, kind: 'worker', login: id(0), count: 1, detail: 'x' });
  writer.insertHandoff({
    kind: 'tmux',
    login: id(0),
    process: 1,
    toLogin: id(100),
    toPid: 8,
    via: '@x',
    at: T0,
  });
  t.strictSame(reader.notices(), [second, first]);
  t.strictSame(reader.notices({ since: T0 + 1 }), [second]);
  t.strictSame(reader.notices({ kind: 'gap' }), [first]);
  t.equal(reader.handoffs({ login: id(100) }).length, 1, 'seen from both sides');
  t.equal(reader.handoffs({ login: id(200) }).length, 0);
  t.match(reader.stats(), { logins: 3, openLogins: 2, processes: 1, hops: 4, handoffs: 1, notices: 2 });
});
