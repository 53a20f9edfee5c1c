/** Vault's API as it is documented, with its errors and its silences. See fake-vault.ts for what this does not prove. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, promisify } from 'node:util';
import t from 'tap';
import { CredentialError } from '../../src/credentials/credential.ts';
import { Vault, type VaultSettings } from '../../src/credentials/vault.ts';
import { VaultDatabaseSource, vaultKvSource } from '../../src/credentials/vault-sources.ts';
import { openAuthority } from '../../src/tls/ca.ts';
import { Mint } from '../../src/tls/mint.ts';
import { until } from '../until.ts';
import { type FakeVault, fakeVault, TOKEN } from './fake-vault.ts';

const home = mkdtempSync(join(tmpdir(), 'hopline-vault-'));
const tokenFile = join(home, 'token');
writeFileSync(tokenFile, `${TOKEN}\n`, { mode: 0o600 });
const server = await fakeVault();
t.teardown(() => {
  server.close();
  rmSync(home, { recursive: true, force: true });
});
t.beforeEach(() => {
  Object.assign(server, { token: TOKEN, namespace: null, answer: null });
  server.requests.length = 0;
  server.leases.clear();
  server.kv.clear();
  server.kv.set('secret/orders/db', { username: 'orders', password: 'Geheim-1', port: 5432, empty: '' });
  server.roles.set('ro', { ttl: 3600, max: 86_400, renewable: true });
});

const vault = (change: Partial<VaultSettings> = {}) =>
  new Vault({ address: server.address, tokenFile, timeoutMs: 2000, ...change });
const kv = (change: object = {}) =>
  vaultKvSource({ vault: vault(), mount: 'secret', path: 'orders/db', ...change });

t.test('a secret of KV version 2', async (t) => {
  const source = kv();
  const held = await source.acquire();
  t.equal(held.user, 'orders');
  t.equal(held.password.reveal(), 'Geheim-1');
  t.equal(source.description, 'vault secret/orders/db');
  t.same(server.requests, ['GET /v1/secret/data/orders/db']);
  held.release();
  t.equal(held.password.cleared, true);
  t.equal((await source.acquire()).password.reveal(), 'Geheim-1', 'another hop’s is its own');
  t.equal(server.requests.length, 1, 'kept for a while');
});

t.test('asked for anew: when it is old, and when the server refused it', async (t) => {
  let now = 0;
  const source = kv({ now: () => now, keepMs: 1000 });
  await Promise.all([source.acquire(), source.acquire(), source.acquire()]);
  t.equal(server.requests.length, 1, 'three at once ask once');
  server.kv.set('secret/orders/db', { password: 'Geheim-2' });
  t.equal((await source.acquire()).password.reveal(), 'Geheim-1');
  now += 1_000_000;
  t.match((await source.acquire()).password.reveal(), 'Geheim-2');
  server.kv.set('secret/orders/db', { password: 'Geheim-3' });
  source.refused();
  const held = await source.acquire();
  t.equal(held.password.reveal(), 'Geheim-3');
  t.equal(held.user, null);
  await source.close();
});

t.test('fields, mounts and paths', async (t) => {
  server.kv.set('team a/Ä/ö db', { pw: 'Geheim-4', who: 'me' });
  const odd = { mount: 'team a', path: '/Ä/ö db/', passwordField: 'pw', userField: 'who' };
  t.match(await kv(odd).acquire(), { user: 'me' });
  t.equal((await kv({ ...odd, userField: null }).acquire()).user, null);
  for (const passwordField of ['port', 'empty', 'nothing', '__proto__'])
    await t.rejects(kv({ passwordField }).acquire(), { code: 'missing', message: passwordField });
  for (const path of ['', '/', '..', 'a/../b', 'a//b', './a'])
    await t.rejects(kv({ path }).acquire(), { code: 'settings' }, path);
});

t.test('a namespace', async (t) => {
  server.namespace = 'team/orders';
  await t.rejects(kv().acquire(), { code: 'missing' });
  await t.resolves(kv({ vault: vault({ namespace: 'team/orders' }) }).acquire());
  t.throws(() => vault({ namespace: 'a\r\nb' }), { code: 'settings' });
});

t.test('its refusals and silences, in sentences without secrets', async (t) => {
  const answers: [what: string, answer: FakeVault['answer'], code: string, message: RegExp][] = [
    [
      '403',
      () => ({ status: 403, body: '{"errors":["permission denied"]}' }),
      'denied',
      /may not do this \(403\): permission denied$/,
    ],
    ['404', () => ({ status: 404, body: '{"errors":[]}' }), 'missing', /there is nothing \(404\)$/],
    [
      '400',
      () => ({ status: 400, body: '{"errors":["unknown role: x"]}' }),
      'denied',
      /\(400\): unknown role: x$/,
    ],
    ['429', () => ({ status: 429 }), 'unreachable', /too many/],
    [
      'sealed',
      () => ({ status: 503, body: '{"errors":["Vault is sealed"]}' }),
      'unreachable',
      /sealed or down.*: Vault is sealed$/,
    ],
    ['standby', () => ({ status: 473 }), 'unreachable', /cannot answer now \(473\)/],
    ['500', () => ({ status: 500, body: '<html>' }), 'unreachable', /\(500\)$/],
    ['not JSON', () => ({ status: 200, body: 'Geheim' }), 'malformed', /not what the API documents/],
    ['no data', () => ({ status: 200, body: '{"data":null}' }), 'malformed', /not what/],
    ['a list', () => ({ status: 200, body: '[]' }), 'malformed', /not what/],
    ['too much', () => ({ status: 200, body: 'x'.repeat(2 << 20) }), 'malformed', /more than/],
    ['silence', () => 'hang', 'timeout', /did not answer within 0.2 s/],
    ['a reset', () => 'reset', 'unreachable', /it hung up/],
    ['half of it', () => 'half', 'unreachable', /hung up|broke off/],
    [
      'an echo of the token',
      (request) => ({
        status: 400,
        body: JSON.stringify({ errors: [`bad ${request.headers['x-vault-token']}`] }),
      }),
      'denied',
      /\(400\)$/,
    ],
    [
      'an escape sequence',
      () => ({ status: 400, body: JSON.stringify({ errors: [`\u001b[2J${'x'.repeat(1000)}`] }) }),
      'denied',
      /\\e\[2Jx{100,200}…$/,
    ],
  ];
  for (const [what, answer, code, message] of answers) {
    server.answer = answer;
    const source = kv({ vault: vault({ timeoutMs: what === 'silence' ? 200 : 2000 }) });
    const error = await source.acquire().catch((error: unknown) => error);
    t.ok(error instanceof CredentialError, what);
    t.match(error, { code, message }, what);
    t.match(error, { message: /Vault at http:\/\/127/ }, what);
    t.notMatch(inspect(error, { depth: 9 }), /Geheim|hvs\./, what);
  }
});

t.test('a deleted version, and one that comes back', async (t) => {
  server.kv.set('secret/orders/db', null);
  const source = kv();
  await t.rejects(source.acquire(), { code: 'missing' });
  server.kv.set('secret/orders/db', { password: 'Geheim-5' });
  await t.resolves(source.acquire());
});

t.test('the token is read for each request', async (t) => {
  const path = join(home, 'renewed');
  writeFileSync(path, 'old', { mode: 0o640 });
  const source = kv({ vault: vault({ tokenFile: path }) });
  await t.rejects(source.acquire(), { code: 'denied' });
  writeFileSync(path, TOKEN);
  await t.resolves(source.acquire());
  source.refused();
  chmodSync(path, 0o644);
  await t.rejects(source.acquire(), { code: 'permissions' });
  rmSync(path);
  await t.rejects(source.acquire(), { code: 'missing' });
  writeFileSync(path, 'hvs.\u0001\r\nX-Evil: 1', { mode: 0o600 });
  const error = await source.acquire().catch((error: unknown) => error);
  t.match(error, { code: 'malformed', message: /is not a token$/ });
  t.notMatch(inspect(error), /hvs/);
});

t.test('where the token may go', async (t) => {
  for (const address of [
    'http://10.0.0.1:8200',
    'http://vault:8200',
    'ftp://127.0.0.1',
    'vault',
    '',
    'https://u:p@vault',
  ])
    t.throws(() => vault({ address }), { code: 'settings' }, address);
  for (const address of ['http://127.0.0.1:1', 'http://[::1]:1', 'http://localhost:1', 'https://vault:8200'])
    t.doesNotThrow(() => vault({ address }), address);
  t.doesNotThrow(() => vault({ address: 'http://10.0.0.1:8200', plaintext: true }));
  server.answer = () => ({
    status: 307,
    headers: { Location: 'http://192.0.2.1:8200/v1/secret/data/orders/db' },
  });
  await t.rejects(kv().acquire(), { code: 'settings', message: /without TLS/ });
  let first = true;
  server.answer = (request) => {
    if (!first) return null;
    first = false;
    return { status: 307, headers: { Location: request.url ?? '' } };
  };
  await t.resolves(kv().acquire(), 'to the active node');
  server.answer = (request) => ({ status: 307, headers: { Location: request.url ?? '' } });
  server.requests.length = 0;
  await t.rejects(kv().acquire(), { code: 'denied' });
  t.equal(server.requests.length, 2, 'once');
});

t.test('over TLS, with an authority of one’s own', async (t) => {
  const authority = await openAuthority({ directory: join(home, 'ca'), host: 'vault' });
  const mint = new Mint({ authority });
  const secure = await fakeVault(await mint.mint({ names: ['127.0.0.1'] }));
  const misnamed = await fakeVault(await mint.mint({ names: ['vault.example'] }));
  t.teardown(() => {
    secure.close();
    misnamed.close();
  });
  secure.kv.set('secret/orders/db', { password: 'Geheim-6' });
  const ask = (address: string, ca: string | null) => kv({ vault: vault({ address, ca }) }).acquire();
  t.equal((await ask(secure.address, authority.certificate)).password.reveal(), 'Geheim-6');
  const script = `
    import { Vault } from ${JSON.stringify(new URL('../../src/credentials/vault.ts', import.meta.url).href)};
    const vault = new Vault({ address: process.argv[1], tokenFile: process.argv[2] });
    console.log((await vault.readKv('secret', 'orders/db')).size);
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script, secure.address, tokenFile],
    { env: { SSL_CERT_FILE: join(home, 'ca', 'ca.crt'), SSL_CERT_DIR: home } },
  );
  t.equal(stdout, '1\n', 'where the system trusts it');
  await t.rejects(ask(secure.address, null), { code: 'unreachable', message: /not trusted: set the CA/ });
  await t.rejects(ask(misnamed.address, authority.certificate), { message: /for another name/ });
  await t.rejects(ask(secure.address.replace('https', 'http'), null), { code: 'unreachable' });
  await t.rejects(ask('https://127.0.0.1:1', null), {
    code: 'unreachable',
    message: /nothing listens there/,
  });
});

/** With what it says of faults. */
function database(change: object = {}) {
  const faults: string[] = [];
  const onFault = (message: string) => void faults.push(message);
  const options = { vault: vault(), mount: 'database', role: 'ro', onFault, ...change };
  return { source: new VaultDatabaseSource(options), faults };
}

t.test('one login for many hops, and given back at the end', async (t) => {
  const { source, faults } = database();
  const all = await Promise.all([source.acquire(), source.acquire(), source.acquire()]);
  t.equal(new Set(all.map(({ user }) => user)).size, 1);
  t.match(all[0]?.user, /^v-token-ro-/);
  t.match(all[0]?.password.reveal(), /^Geheim-/);
  const left = (all[0]?.validUntil ?? 0) / 1e6 - Date.now() / 1000;
  t.ok(left > 3590 && left <= 3600, `${left} s`);
  t.equal(server.leases.size, 1);
  for (const held of all) held.release();
  for (const held of all) held.release();
  t.equal((await source.acquire()).user, all[0]?.user, 'kept for the next hop');
  await source.close();
  t.equal(server.leases.size, 0, 'revoked, in use or not');
  t.equal(source.leases, 0);
  await t.rejects(source.acquire(), { code: 'settings' });
  t.same(faults, []);
});

t.test('a login that the server refused is not lent again', async (t) => {
  const { source } = database();
  const [one, two] = [await source.acquire(), await source.acquire()];
  source.refused();
  const three = await source.acquire();
  t.not(three.user, one.user);
  one.release();
  t.equal(server.leases.size, 2, 'another hop uses it still');
  two.release();
  await until(() => server.leases.size === 1, 'the old one is revoked');
  await source.close();
});

t.test('renewed while it is used, given back when it is not', async (t) => {
  server.roles.set('ro', { ttl: 1.5, max: 100, renewable: true });
  const { source, faults } = database();
  const held = await source.acquire();
  const first = held.validUntil ?? 0;
  await until(() => (held.validUntil ?? 0) > first + 900_000, 'a renewal');
  t.equal(server.leases.size, 1);
  t.equal(held.password.reveal().startsWith('Geheim-'), true);
  t.equal((await source.acquire()).user, held.user, 'the same for a later hop');
  await source.close();

  const { source: idle } = database();
  (await idle.acquire()).release();
  await until(() => server.leases.size === 0, 'the idle one is revoked');
  t.equal(idle.leases, 0);
  t.not((await idle.acquire()).user, held.user, 'and made again when it is needed');
  await idle.close();
  t.same(faults, []);
});

t.test('at the end of its longest life', async (t) => {
  server.roles.set('ro', { ttl: 0.5, max: 0.9, renewable: true });
  const { source, faults } = database();
  const held = await source.acquire();
  await until(() => faults.length > 0, 'a fault');
  t.match(faults, [/^vault database\/creds\/ro: ended while hops used it$/]);
  const next = await source.acquire();
  t.not(next.user, held.user);
  held.release();
  await source.close();
});

t.test('what cannot be renewed', async (t) => {
  server.roles.set('ro', { ttl: 0.5, max: 9, renewable: false });
  const { source, faults } = database();
  const held = await source.acquire();
  await until(() => faults.length > 0, 'its end');
  t.notOk(server.requests.some((request) => request.includes('renew')));
  held.release();
  await source.close();
});

t.test('while Vault is away: tried again, then given up, and never with a secret', async (t) => {
  server.roles.set('ro', { ttl: 2.4, max: 100, renewable: true });
  const { source, faults } = database();
  const held = await source.acquire();
  server.answer = () => ({ status: 503, body: '{"errors":["Vault is sealed"]}' });
  await until(() => faults.length >= 1, 'a first fault');
  server.answer = null;
  const before = held.validUntil ?? 0;
  await until(() => (held.validUntil ?? 0) > before, 'a renewal that works');
  server.answer = () => 'reset';
  await source.close();
  t.match(faults.at(-1), /cannot ask Vault/);
  t.notMatch(faults.join(), /Geheim|hvs\./);
});

t.test('unknown roles, and answers that are none', async (t) => {
  await t.rejects(database({ role: 'nobody' }).source.acquire(), {
    code: 'denied',
    message: /unknown role: nobody/,
  });
  const lease = {
    lease_id: 'x',
    lease_duration: 60,
    renewable: true,
    data: { username: 'u', password: 'Geheim' },
  };
  const broken: object[] = [
    { ...lease, lease_id: '' },
    { ...lease, lease_id: 7 },
    { ...lease, lease_duration: '60' },
    { ...lease, lease_duration: -1 },
    { ...lease, lease_duration: 0 },
    { ...lease, lease_duration: 1e300 },
    { ...lease, data: null },
    { ...lease, data: { username: 'u' } },
    { ...lease, data: { username: '', password: 'Geheim' } },
  ];
  for (const body of broken) {
    server.answer = () => ({ status: 200, body: JSON.stringify(body) });
    const error = await database()
      .source.acquire()
      .catch((error: unknown) => error);
    t.match(error, { code: 'malformed' }, JSON.stringify(body));
    t.notMatch(inspect(error), /Geheim/);
  }
});

t.test('closed while it is being asked for', async (t) => {
  const { source } = database();
  const asked = source.acquire();
  await source.close();
  await t.rejects(asked, { code: 'settings' });
  t.equal(server.leases.size, 0);
});

t.test('nothing of it shows', async (t) => {
  const { source } = database();
  const held = await source.acquire();
  for (const text of [inspect(source, { depth: 9, showHidden: true }), inspect(held), JSON.stringify(held)])
    t.notMatch(text, /Geheim|hvs\./);
  await source.close();
});
