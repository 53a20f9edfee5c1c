/** Who is lent which login, and that it comes back. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { Logger } from 'pino';
import t from 'tap';
import type { HopDraft } from '../../src/attribution/recorder.ts';
import type { Root } from '../../src/attribution/roots.ts';
import type { CredentialSettings, SourceSettings, TargetCredentials } from '../../src/core/credentials.ts';
import type { Endpoint } from '../../src/core/types.ts';
import { Credentials } from '../../src/daemon/credentials.ts';
import { OpenHops } from '../../src/daemon/open-hops.ts';
import { fakeVault, TOKEN } from '../credentials/fake-vault.ts';
import { allow, hop, id } from '../store/seed.ts';
import { until } from '../until.ts';

const home = mkdtempSync(join(tmpdir(), 'hopline-held-'));
const file = (name: string, text: string, mode = 0o600) => {
  writeFileSync(join(home, name), text, { mode });
  return join(home, name);
};
const tokenFile = file('token', TOKEN);
const vault = await fakeVault();
t.teardown(() => {
  vault.close();
  rmSync(home, { recursive: true, force: true });
});
const server = {
  ...{ address: vault.address, tokenFile, namespace: null, ca: null },
  ...{ timeoutMs: 1000, plaintext: false },
};
t.beforeEach(() => {
  Object.assign(vault, { token: TOKEN, answer: null });
  vault.requests.length = 0;
  vault.leases.clear();
  vault.roles.set('ro', { ttl: 3600, max: 86_400, renewable: true });
  vault.kv.set('secret/orders', { username: 'orders', password: 'Geheim-1' });
});

const fixed = (name: string) => ({ by: 'settings', name }) as const;
const app: CredentialSettings = {
  ...{ user: fixed('app'), groups: [] },
  source: { kind: 'file', path: file('app', 'Geheim-app') },
};
const admin: CredentialSettings = {
  ...{ user: fixed('admin'), groups: ['dba'] },
  source: { kind: 'file', path: file('admin', 'Geheim-admin') },
};
const dynamic: SourceSettings = { kind: 'vault-database', vault: server, mount: 'database', role: 'ro' };
const bySource = { by: 'source' } as const;

class Setup {
  readonly open = new OpenHops();
  readonly refused: string[] = [];
  readonly faults: string[] = [];
  readonly seen: { source: Endpoint; destination: Endpoint }[] = [];
  readonly credentials: Credentials;
  #hops = 0;

  constructor(...list: CredentialSettings[]) {
    this.credentials = new Credentials(this.of(...list), {
      open: this.open,
      outgoing: {
        lookup: () => {},
        connecting: (source, destination) => void this.seen.push({ source, destination }),
      },
      log: {
        warn: (what: unknown) => {
          if (typeof what === 'string') this.faults.push(what);
          else this.refused.push((what as { reason: string }).reason);
        },
      } as unknown as Logger,
    });
  }

  of(...list: CredentialSettings[]): TargetCredentials {
    return { 'orders-db': list };
  }

  hop(groups: readonly string[] = [], change: Partial<HopDraft> = {}): string {
    const draft = hop({ id: id(++this.#hops) });
    const identity = { name: 'alice', groups, verified: true };
    this.open.add({
      hop: { ...draft, target: 'orders-db', decision: allow, ...change } as unknown as HopDraft,
      root: { identity, revoked: null } as unknown as Root,
      closing: null,
    });
    return draft.id;
  }

  end(hop: string): void {
    this.open.delete(hop);
    this.credentials.ended(hop);
  }
}

t.test('the first that is for the person, or that of the user who is asked for', async (t) => {
  const s = new Setup(admin, app);
  const cases: [groups: string[], asked: string, user: string | RegExp][] = [
    [[], 'alice', 'app'],
    [[], 'app', 'app'],
    [[], 'admin', /the login of admin on orders-db is for dba/],
    [['dba'], 'alice', 'admin'],
    [['dba'], 'app', 'app'],
    [['dba'], 'admin', 'admin'],
  ];
  for (const [groups, asked, expected] of cases) {
    const lending = s.credentials.lend(s.hop(groups), asked);
    if (typeof expected === 'string') {
      const { user, password, source, decision } = await lending;
      t.same([user, password.reveal()], [expected, `Geheim-${expected}`], `${groups} ${asked}`);
      t.equal(source, `file ${join(home, expected)}`);
      t.equal(decision, allow);
    } else await t.rejects(lending, { name: 'NoLoginError', message: expected });
  }
  const only = new Setup(admin);
  await t.rejects(only.credentials.lend(only.hop(), 'alice'), {
    message: /^the logins of orders-db are for dba$/,
  });
  t.ok(only.credentials.has('orders-db'));
  for (const target of ['other', 'toString', '__proto__', null]) t.notOk(only.credentials.has(target));
});

t.test('whoever the client asks for', async (t) => {
  file('pw-bob', 'Geheim-bob');
  const s = new Setup({
    user: { by: 'client' },
    groups: [],
    source: { kind: 'file', path: join(home, 'pw-{user}') },
  });
  t.match(await s.credentials.lend(s.hop(), 'bob'), { user: 'bob' });
  await t.rejects(s.credentials.lend(s.hop(), 'carol'), { message: /there is no file .*pw-carol$/ });
  for (const asked of ['../token', 'a/b', '.', '..', 'a\0b', 'x'.repeat(64)])
    await t.rejects(s.credentials.lend(s.hop(), asked), { message: /cannot be part of a path/ }, asked);
  await t.rejects(s.credentials.lend(s.hop(), ''), { message: /does not say which user/ });
});

t.test('to nobody but an open hop that policy allows', async (t) => {
  const s = new Setup(app);
  await t.rejects(s.credentials.lend('NOBODY', 'x'), { message: /over/ });
  const observed = { ...allow, outcome: 'deny', observed: true } as const;
  for (const change of [{ decision: observed }, { decision: { ...allow, outcome: 'approve' } }] as const)
    await t.rejects(s.credentials.lend(s.hop([], change), 'x'), { message: /policy does not allow/ });
  const revoked = s.hop();
  Object.assign(s.open.get(revoked)?.root ?? {}, { revoked: 1 });
  await t.rejects(s.credentials.lend(revoked, 'x'), { message: /revoked/ });
  await t.rejects(s.credentials.lend(s.hop([], { target: null }), 'x'), { message: /no login is held/ });
  const unverified = s.hop(['dba']);
  Object.assign(s.open.get(unverified)?.root?.identity ?? {}, { verified: false });
  const closed = new Setup(admin);
  closed.open.add(s.open.get(unverified) as never);
  await t.rejects(closed.credentials.lend(unverified, 'x'), { message: /are for dba/ });
  t.equal(s.refused.length, 4, 'each is told, with its hop');
});

t.test('what goes wrong is told, with its source and without a secret', async (t) => {
  file('open', 'Geheim', 0o644);
  const cases: [SourceSettings, RegExp][] = [
    [{ kind: 'file', path: join(home, 'gone') }, /there is no file/],
    [{ kind: 'file', path: join(home, 'open') }, /others may read/],
    [{ kind: 'systemd', name: 'orders' }, /systemd gave none/],
    [{ kind: 'environment', name: 'NO_SUCH_VARIABLE' }, /has no NO_SUCH_VARIABLE/],
    [
      {
        ...{ kind: 'vault-kv', vault: server, mount: 'secret', path: 'gone' },
        passwordField: 'password',
        userField: null,
      } as const,
      /there is nothing \(404\)/,
    ],
    [
      { ...dynamic, vault: { ...server, address: 'http://127.0.0.1:1' } } as SourceSettings,
      /cannot ask Vault at http:\/\/127.0.0.1:1: nothing listens there/,
    ],
    [{ ...dynamic, vault: { ...server, address: 'http://10.0.0.1' } } as SourceSettings, /without TLS/],
  ];
  for (const [source, message] of cases) {
    const s = new Setup({
      user: source.kind === 'vault-database' ? bySource : fixed('app'),
      groups: [],
      source,
    });
    const error = await s.credentials.lend(s.hop(), 'alice').catch((error: unknown) => error);
    t.match(error, { name: 'NoLoginError', message });
    t.match(s.refused, [message]);
    t.notMatch(inspect([error, s], { depth: 9, showHidden: true }), /Geheim|hvs\./);
    await s.credentials.close();
  }
  vault.kv.set('secret/orders', { password: 'Geheim' });
  const kv = { kind: 'vault-kv', vault: server, mount: 'secret', path: 'orders' } as const;
  const s = new Setup({
    user: bySource,
    groups: [],
    source: { ...kv, passwordField: 'password', userField: 'username' },
  });
  await t.rejects(s.credentials.lend(s.hop(), 'alice'), { message: /has no user in it/ });
  await s.credentials.close();
  vault.kv.set('secret/orders', { username: 'u'.repeat(300), password: 'Geheim' });
  await t.rejects(s.credentials.lend(s.hop(), 'alice'), { message: /too long a name/ });
  await s.credentials.close();
  vault.kv.set('secret/orders', { username: 'u', password: 'x'.repeat(20_000) });
  await t.rejects(s.credentials.lend(s.hop(), 'alice'), { message: /too long for a password/ });
});

t.test('a login that is made for us: one for all, given back at the end', async (t) => {
  const s = new Setup({ user: bySource, groups: [], source: dynamic });
  const hops = [s.hop(), s.hop(), s.hop()];
  const lent = await Promise.all(hops.map((hop) => s.credentials.lend(hop, 'alice')));
  t.equal(new Set(lent.map(({ user }) => user)).size, 1);
  t.match(lent[0]?.user, /^v-token-ro-/);
  t.equal(vault.leases.size, 1);
  s.credentials.refused(hops[0] ?? '');
  t.match(s.refused, [/did not take the login from vault database\/creds\/ro/]);
  for (const hop of hops) s.end(hop);
  await until(() => vault.leases.size === 0, 'refused, and used by nobody: revoked');
  t.ok(
    lent.every(({ password }) => password.cleared),
    'and nothing of it is kept',
  );
  await s.credentials.lend(s.hop(), 'alice');
  t.equal(vault.leases.size, 1);
  t.ok(
    s.seen.every(({ destination }) => destination.address === '127.0.0.1'),
    'each connection of our own is told',
  );
  const { port } = new URL(vault.address);
  t.match(s.seen[0], { source: { address: '127.0.0.1', port: Number }, destination: { port: Number(port) } });
  await s.credentials.close();
  t.equal(vault.leases.size, 0, 'the daemon stops');
  t.same(s.faults, []);
});

t.test('a hop that ends while it waits keeps nothing', async (t) => {
  const s = new Setup({ user: bySource, groups: [], source: dynamic });
  const waiting = s.hop();
  const lending = s.credentials.lend(waiting, 'alice');
  s.end(waiting);
  await t.rejects(lending, { message: /the connection is over/ });
  s.credentials.replace({});
  await until(
    () => vault.leases.size === 0 && vault.requests.some((text) => text.includes('revoke')),
    'given back',
  );
  await s.credentials.close();
});

t.test('a new configuration: what is lent stays until its hops end', async (t) => {
  const s = new Setup({ user: bySource, groups: [], source: dynamic });
  const [one, two] = [s.hop(), s.hop()];
  await s.credentials.lend(one, 'alice');
  s.credentials.replace(s.of({ user: bySource, groups: [], source: { ...dynamic } }));
  await s.credentials.lend(two, 'alice');
  t.equal(vault.leases.size, 1, 'the same settings, the same login');
  s.end(two);
  s.credentials.replace({});
  t.notOk(s.credentials.has('orders-db'));
  await t.rejects(s.credentials.lend(s.hop(), 'alice'), {
    message: /no login is held for orders-db any more/,
  });
  t.equal(vault.leases.size, 1, 'a hop uses it still');
  s.end(one);
  await until(() => vault.leases.size === 0, 'the last one ended');
});

t.test('sources that nobody uses do not pile up', async (t) => {
  const s = new Setup({
    user: { by: 'client' },
    groups: [],
    source: {
      ...{ kind: 'vault-kv', vault: server, mount: 'secret', path: '{user}' },
      passwordField: 'password',
      userField: null,
    } as const,
  });
  for (let n = 0; n < 300; n++) vault.kv.set(`secret/u${n}`, { password: `Geheim-${n}` });
  const first = s.hop();
  await s.credentials.lend(first, 'u0');
  for (let n = 1; n < 300; n++) {
    const each = s.hop();
    await s.credentials.lend(each, `u${n}`);
    s.end(each);
  }
  vault.requests.length = 0;
  for (const user of ['u0', 'u299']) await s.credentials.lend(s.hop(), user);
  t.equal(vault.requests.length, 0, 'what is in use, and the latest');
  await s.credentials.lend(s.hop(), 'u1');
  t.equal(vault.requests.length, 1, 'the oldest is asked for again');
});
