// A connection that policy refuses, and a login, a person or a connection whose time is over.
import t from 'tap';
import { isHop, isLoginOf } from './assertions.ts';
import {
  type Bastion,
  DIAL,
  dial,
  exclusively,
  FAMILIES,
  type Family,
  gate,
  hopline,
  IPV4,
  labUp,
  mark,
  notices,
  openGate,
  type Said,
  ssh,
  sshArgs,
  start,
  until,
  waitForHop,
  waitForLogin,
} from './support.ts';

t.before(labUp);
t.jobs = 4;

for (const family of FAMILIES) {
  t.test(`a target that policy forbids, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const url = family.url('vault', 8200, word);
    const { code, out, err } = await ssh('bob', 'bastion1', `: ${word}; curl -sS --max-time 9 ${url}`, {
      family,
    });
    t.ok(code === 7 || code === 56, `refused or reset, at once (${code})`);
    t.equal(out, '');
    t.match(err, /Failed to connect|Couldn't connect|reset by peer/);
    const found = await waitForHop('bastion1', word);
    isLoginOf(t, found.login, { user: 'bob', client: family.address('laptop') });
    isHop(t, found, {
      chain: ['bash', 'curl'],
      address: family.address('vault'),
      port: 8200,
      target: 'vault',
      outcome: 'deny',
      mode: 'denied',
    });
    t.match(found.hop.decision, { policies: ['vault-is-closed'], observed: false, errors: [] });
    t.same([found.hop.bytesUp ?? 0, found.hop.bytesDown ?? 0], [0, 0], 'nothing passed');
    const denied = JSON.parse(
      (await hopline('bastion1', ['hops', '--login', found.login.id, '--denied', '--json'])).out,
    );
    t.same(
      denied.map(({ id }: { id: string }) => id),
      [found.hop.id],
      'hops --denied has it',
    );
  });
}

interface Live {
  readonly name: string;
  readonly host: Bastion;
  readonly port: number;
  readonly at: 'db1' | 'web1';
  readonly mode: 'inspect' | 'direct';
  readonly families?: readonly Family[];
}
const lives: readonly Live[] = [
  { name: 'inspected', host: 'bastion1', at: 'db1', port: 5432, mode: 'inspect' },
  // DNS by TCP, to the resolver that is configured.
  { name: 'direct', host: 'bastion1', at: 'web1', port: 53, mode: 'direct', families: [IPV4] },
];
for (const { name, host, at, port, mode, families = FAMILIES } of lives) {
  for (const family of families) {
    t.test(
      `revoking a login with a live connection that is ${name}, ${family.name}`,
      { buffered: true },
      async (t) => {
        const [word, other] = [mark(), mark()];
        const address = family.address(at);
        const then = `${gate(word)}; curl -s --max-time 9 ${family.url('web1', 80, word)}; echo "code $?"`;
        const session = start(
          t,
          sshArgs('alice', host, `${dial('hold', address, port, word)} & ${then}; wait`, { family }),
        );
        const bystander = start(
          t,
          sshArgs('alice', host, `${dial('hold', address, port, other)} & ${gate(other)}; kill %1`, {
            family,
          }),
        );
        await session.until(/connected/);
        await bystander.until(/connected/);
        const before = await waitForHop(host, word);
        const protocol = at === 'db1' ? 'postgres' : 'tcp';
        isHop(t, before, { chain: ['bash', DIAL], address, port, mode, protocol });
        t.equal(before.hop.ended, null, 'it is open');

        const { code, out, err } = await hopline(host, [
          'revoke',
          before.login.id,
          '--reason',
          'laptop stolen',
          '--json',
        ]);
        t.equal(code, 0, err);
        t.match(JSON.parse(out), { type: 'login', logins: [before.login.id], hops: [before.hop.id] });
        await session.until(/closed/);
        openGate(host, word);
        await session.until(/code \d+/);
        t.notMatch(session.said(), 'code 0', 'nothing new connects');

        const { hop } = await waitForHop(host, word, ({ decision }) => decision.outcome === 'deny');
        const { login } = await waitForHop(
          host,
          word,
          ({ id, ended }) => id === before.hop.id && ended !== null,
        );
        t.equal(login.id, before.login.id);
        t.match(login.revoked, /^\d{4}-/, 'the tree says when');
        t.same(hop.destination, { address: family.address('web1'), port: 80 });
        t.equal(hop.decision.reason, 'this login was revoked');
        const closed = login.hops.find(({ id }) => id === before.hop.id);
        t.ok(closed?.ended, 'the live one has ended');
        t.equal(closed?.endReason, 'revoked: laptop stolen');
        const told = await notices(host, ['--kind', 'revoke']);
        t.ok(told.some((notice) => notice.login === login.id && notice.detail.includes('laptop stolen')));

        const next = await waitForHop(host, other);
        t.equal(next.hop.ended, null, 'another login of the same person goes on');
        t.equal(next.login.revoked, null);
        openGate(host, other);
      },
    );
  }
}

for (const family of FAMILIES) {
  t.test(`revoking one connection, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const address = family.address('db1');
    const then = `${gate(word)}; curl -s ${family.url('web1', 80, word)}; echo "code $?"`;
    const session = start(
      t,
      sshArgs('alice', 'bastion1', `${dial('hold', address, 5432, word)} & ${then}; wait`, { family }),
    );
    await session.until(/connected/);
    const { hop, login } = await waitForHop('bastion1', word);
    const { code, out, err } = await hopline('bastion1', ['revoke', `hop:${hop.id}`, '--json']);
    t.equal(code, 0, err);
    t.match(JSON.parse(out), { type: 'hop', hops: [hop.id] });
    await session.until(/closed/);
    openGate('bastion1', word);
    await session.until(/code 0/);
    t.match(session.said(), '404 Not Found', 'the login may still connect');
    const after = await waitForHop('bastion1', word, ({ id, ended }) => id === hop.id && ended !== null);
    t.match(after.hop.endReason, 'revoked');
    t.equal(after.login.id, login.id);
    t.equal(after.login.revoked, null);
  });
}

t.test(
  'revoking a person: each of their logins, and nobody else',
  { buffered: true, timeout: 1_200_000 },
  async (t) => {
    await exclusively('bastion2', async () => {
      const sessions = FAMILIES.map((family) => {
        const word = mark();
        const then = `${gate(word)}; curl -s --max-time 9 ${family.url('web1', 80, word)}; echo "code $?"`;
        const command = `${dial('hold', family.address('db1'), 5432, word)} & ${then}; wait`;
        return { word, family, session: start(t, sshArgs('bob', 'bastion2', command, { family })) };
      });
      const word = mark();
      const alice: Promise<Said> = ssh(
        'alice',
        'bastion2',
        `: ${word}; ${gate(word)}; curl -s ${IPV4.url('web1', 80, word)}`,
      );
      for (const { session } of sessions) await session.until(/connected/);
      const logins = await Promise.all(
        sessions.map(async (one) => (await waitForLogin('bastion2', one.word)).id),
      );
      await waitForLogin('bastion2', word);
      const { code, out, err } = await hopline('bastion2', ['revoke', 'user:bob', '--json']);
      t.equal(code, 0, err);
      const revoked = JSON.parse(out) as { logins: string[]; hops: string[] };
      t.equal(revoked.hops.length, 2, 'both live connections');
      t.ok(
        logins.every((id) => revoked.logins.includes(id)),
        'both logins',
      );
      for (const { session, word, family } of sessions) {
        await session.until(/closed/);
        openGate('bastion2', word);
        await session.until(/code \d+/);
        t.notMatch(session.said(), 'code 0');
        const { hop } = await waitForHop('bastion2', word, ({ decision }) => decision.outcome === 'deny');
        t.same(hop.destination, { address: family.address('web1'), port: 80 });
      }
      openGate('bastion2', word);
      t.match((await alice).out, '404 Not Found', 'alice goes on');
    });
  },
);

t.test('revoking what is not there', { buffered: true }, async (t) => {
  const { code, err } = await hopline('bastion1', ['revoke', 'login:ZZZZZZZZZZZZ']);
  t.equal(code, 4);
  t.match(err, 'ZZZZZZZZZZZZ');
});

t.test('a program that a revoked login left behind', { buffered: true }, async (t) => {
  for (const family of FAMILIES) {
    const word = mark();
    const url = family.url('web1', 80, word);
    const left = `setsid sh -c '${gate(word)}; curl -s ${url} >/tmp/out-${word} 2>&1; :' </dev/null >/dev/null 2>&1 &`;
    await ssh('alice', 'bastion1', `: ${word}; ${left}`, { family });
    const login = await waitForLogin('bastion1', word, ({ lingering }) => lingering);
    t.equal((await hopline('bastion1', ['revoke', login.id])).code, 0, 'a lingering login can be revoked');
    openGate('bastion1', word);
    const { hop } = await waitForHop('bastion1', word);
    t.equal(hop.decision.outcome, 'deny');
    t.equal(hop.decision.reason, 'this login was revoked');
    const after = await until(async () => {
      const now = await waitForLogin('bastion1', word);
      return now.lingering ? null : now;
    }, 'the end of what lingered');
    t.ok(after.revoked && after.ended);
  }
});
