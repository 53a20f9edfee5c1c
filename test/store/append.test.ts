import Sqlite from 'better-sqlite3';
import t from 'tap';
import type { Decision, Hop, Login } from '../../src/core/types.ts';
import { StoreError } from '../../src/store/errors.ts';
import { allow, hop, id, login, process, T0, temporaryStore } from './seed.ts';

t.test('what is written is read back as it was', async (t) => {
  using s = temporaryStore();
  const { writer, reader } = s.store;
  const whole: Login = login({
    identity: {
      name: 'alice@example.com',
      groups: ['engineers'],
      verified: true,
      evidence: { method: 'publickey', fingerprint: 'SHA256:abc', keyType: 'ssh-ed25519', source: 'pam' },
    },
    tty: 'pts/3',
    parentHop: id(-100),
    recovered: true,
  });
  const bash = process();
  const psql = process({
    id: 2,
    parent: 1,
    pid: 4001,
    argv: ['psql', '-h', 'orders-db\n; \u001b[31m'],
    exited: T0 + 9_000_000,
    exitCode: null,
    signal: 9,
  });
  const open = hop({ process: 2 });
  const ended: Hop = hop({
    id: id(6),
    process: 2,
    started: T0 + 6_000_000,
    ended: T0 + 7_000_000,
    bytesUp: 1200,
    bytesDown: 8_000_000_000_000,
    endReason: 'revoked',
  });
  t.ok(writer.insertLogin(whole));
  t.equal(writer.insertProcess(bash), 1);
  t.equal(writer.insertProcess(psql), 2);
  t.ok(writer.insertHop(open));
  t.ok(writer.insertHop(ended));
  const handoff = writer.insertHandoff({
    kind: 'tmux',
    login: whole.id,
    process: 1,
    toLogin: null,
    toPid: 77,
    via: '/tmp/tmux-1001/default',
    at: T0,
  });
  const { logins } = reader.tree({ login: whole.id });
  t.strictSame(logins, [
    { ...whole, processes: [bash, psql], hops: [open, ended], recordings: [], handoffs: [handoff] },
  ]);
  t.strictSame(reader.hops(), [ended, open], 'newest first');
});

t.test('reading the same kernel events twice changes nothing', async (t) => {
  using s = temporaryStore();
  const { writer, reader } = s.store;
  const play = () =>
    writer.batch(() => [
      writer.insertLogin(login()),
      writer.insertIdentity(id(0), { at: T0 + 1, user: 'alice', tty: 'pts/1' }),
      writer.insertProcess(process()) === 1,
      writer.insertHop(hop({ ended: T0 + 8 })),
      writer.insertHopEnd(id(5), { at: T0 + 9, bytesUp: 1, bytesDown: 2, reason: null }),
      writer.insertAction({
        hop: id(5),
        seq: 1,
        kind: 'query',
        at: T0 + 6,
        subject: 'select 1',
        detail: '{"tables":[]}',
        decision: allow,
      }),
      writer.insertActionEnd(id(5), 1, { at: T0 + 7, detail: '{"rows":1}' }),
      writer.insertHandoff({
        kind: 'loopback',
        login: id(0),
        process: null,
        toLogin: null,
        toPid: 7,
        via: '127.0.0.1:8080',
        at: T0,
      }).id,
      writer.insertProcessExit(1, { at: T0 + 10, exitCode: 0, signal: null }),
      writer.insertLoginEnd(id(0), { at: T0 + 11, lingering: true }),
      writer.insertLoginEnd(id(0), { at: T0 + 12, lingering: false }),
      writer.insertRevocation(id(0), { at: T0 + 13, by: 'root', reason: 'drill' }),
    ]);
  t.strictSame(play(), [true, true, true, true, false, true, true, 1, true, true, true, true]);
  const before = JSON.stringify(reader.tree({ all: true }));
  t.strictSame(play(), [false, false, true, false, false, false, false, 1, false, false, false, false]);
  t.equal(JSON.stringify(reader.tree({ all: true })), before);
});

t.test('an image read again under a new number keeps the number it has', async (t) => {
  using s = temporaryStore();
  const { writer, reader } = s.store;
  writer.insertLogin(login());
  t.equal(writer.insertProcess(process({ id: 7 })), 7);
  t.equal(writer.insertProcess(process({ id: 8, exited: T0 + 1, exitCode: 3 })), 7);
  t.equal(writer.insertProcess(process({ id: 8, image: 2 })), 8, 'an exec is another image');
  t.equal(writer.insertProcess(process({ id: 9, startNs: '99' })), 9, 'so is a reused pid');
  const [tree] = reader.tree({ login: id(0) }).logins;
  t.strictSame(
    tree?.processes.map((one) => [one.id, one.exitCode]),
    [
      [7, 3],
      [8, null],
      [9, null],
    ],
  );
});

t.test('what is learnt later about a login is joined to it', async (t) => {
  using s = temporaryStore();
  const { writer, reader } = s.store;
  writer.insertLogin(login({ user: null, uid: null, client: null }));
  writer.insertHop(hop({ id: id(-9), login: null, process: null }));
  const link = { evidence: 'four-tuple', host: 'bastion2', hop: id(-9), depth: 1, reason: null } as const;
  t.equal(reader.login(id(0)).user, null);
  t.ok(writer.insertIdentity(id(0), { at: T0 + 1, user: 'alice', uid: 1001, tty: 'pts/1' }));
  t.ok(
    writer.insertIdentity(id(0), {
      at: T0 + 2,
      client: { address: '2001:db8::1', port: 9 },
      link,
      tty: 'pts/2',
    }),
  );
  t.notOk(
    writer.insertIdentity(id(0), {
      at: T0 + 3,
      client: { address: '2001:db8::1', port: 9 },
      link,
      tty: 'pts/2',
    }),
    'the same again is no news',
  );
  t.match(reader.login(id(0)), {
    user: 'alice',
    uid: 1001,
    tty: 'pts/2',
    client: { address: '2001:db8::1', port: 9 },
    parentHop: id(-9),
    link,
  });
  t.equal(reader.hop(id(-9)).childLogin, id(0), 'and the hop knows the login that it caused');
  t.equal(reader.logins({ user: 'alice' }).length, 1);
});

t.test('decided again: the latest decision is shown, both are kept', async (t) => {
  using s = temporaryStore();
  const { writer, reader } = s.store;
  writer.insertLogin(login());
  writer.insertHop(hop());
  const deny = { ...allow, outcome: 'deny' as const, reason: 'policy changed', version: 'v2' };
  t.ok(writer.insertDecision(id(5), T0 + 9_000_000, deny));
  t.strictSame(reader.hop(id(5)).decision, deny);
  t.strictSame(reader.hops({ outcome: 'deny' }).length, 1);
  t.strictSame(reader.hops({ outcome: 'allow' }).length, 0);
});

t.test('the end of something that was never recorded is an error of its own', async (t) => {
  using s = temporaryStore();
  const { writer, reader } = s.store;
  const orphan = { name: 'StoreError', code: 'orphan' };
  t.throws(() => writer.insertHopEnd(id(1), { at: T0, bytesUp: 0, bytesDown: 0, reason: null }), orphan);
  t.throws(() => writer.insertProcessExit(5, { at: T0, exitCode: 0, signal: null }), orphan);
  t.throws(() => writer.insertLoginEnd(id(1), { at: T0, lingering: false }), orphan);
  writer.batch(() => {
    writer.insertLogin(login());
    t.throws(() => writer.insertProcessExit(5, { at: T0, exitCode: 0, signal: null }), StoreError);
    writer.insertProcess(process());
  });
  t.equal(reader.tree({ login: id(0) }).logins[0]?.processes.length, 1, 'the batch around it went on');
});

t.test('a batch is whole or nothing, and one inside another is undone by itself', async (t) => {
  using s = temporaryStore();
  const { writer, reader } = s.store;
  t.throws(() =>
    writer.batch(() => {
      writer.insertLogin(login());
      throw new Error('no');
    }),
  );
  t.equal(reader.logins({ all: true }).length, 0);
  writer.batch(() => {
    writer.insertLogin(login());
    t.throws(() =>
      writer.batch(() => {
        writer.insertLogin(login({ id: id(1) }));
        throw new Error('no');
      }),
    );
    t.equal(reader.logins({ all: true }).length, 0, 'a reader sees nothing before the commit');
  });
  t.strictSame(
    reader.logins({ all: true }).map((one) => one.id),
    [id(0)],
  );
  t.throws(() => writer.batch(() => Promise.resolve()), /synchronous/);
});

t.test(
  'actions that were decided alike have one row of the decision, and each has its decision',
  async (t) => {
    using s = temporaryStore();
    const { writer, reader } = s.store;
    writer.insertLogin(login());
    for (const one of [5, 6]) writer.insertHop(hop({ id: id(one), process: null }));
    const deny = { ...allow, outcome: 'deny', policies: ['no'], reason: 'no' } as const;
    const act = (seq: number, decision: Decision, of = id(5)) =>
      writer.insertAction({
        ...{ hop: of, seq, kind: 'query', at: T0 + seq, subject: `${seq}`, detail: '{}', decision },
      });
    const decisions = () => {
      const db = new Sqlite(s.path, { readonly: true });
      const count = db.prepare('SELECT count(*) FROM decisions WHERE action > 0').pluck().get();
      db.close();
      return count;
    };
    for (const [seq, decision] of [allow, deny, { ...allow }, allow, deny].entries()) act(seq + 1, decision);
    act(1, allow, id(6));
    t.equal(decisions(), 3);
    t.strictSame(
      reader
        .actions({ hop: id(5) })
        .map(({ seq, decision }) => [seq, decision])
        .sort(([a], [b]) => Number(a) - Number(b)),
      [
        [1, allow],
        [2, deny],
        [3, allow],
        [4, allow],
        [5, deny],
      ],
    );
    t.equal(reader.actions({ outcome: 'deny' }).length, 2);
  },
);

t.test('a decision whose batch was undone is stored again', async (t) => {
  using s = temporaryStore();
  const { writer, reader } = s.store;
  writer.insertLogin(login());
  writer.insertHop(hop({ process: null }));
  const act = (seq: number) =>
    writer.insertAction({
      ...{ hop: id(5), seq, kind: 'query', at: T0 + seq, subject: 's', detail: '{}', decision: allow },
    });
  t.throws(() =>
    writer.batch(() => {
      act(1);
      throw new Error('no');
    }),
  );
  t.ok(act(2));
  t.match(reader.actions(), [{ seq: 2, decision: allow }]);
});
