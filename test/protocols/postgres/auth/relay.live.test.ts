/** Real clients through a proxy to a real server: which ways to log in survive that two connections stand in for one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import t from 'tap';
import { directory } from '../../../tls/support.ts';
import { type ProxySetup, startProxy } from './proxy.ts';
import { PASSWORD, startPostgres } from './server.ts';

const server = await startPostgres();
const home = directory(t);
const proxy = await startProxy(server, home);
t.teardown(() => {
  proxy.close();
  server[Symbol.dispose]();
});
const ca = join(home, 'proxy.crt');
writeFileSync(ca, proxy.ca);

/** `ok`, or the first words of what psql says. */
async function psql(settings: Record<string, string>, password: string = PASSWORD): Promise<string> {
  const all = { host: '127.0.0.1', port: proxy.port, dbname: 'postgres', connect_timeout: '5', ...settings };
  const words = Object.entries(all).map(([name, value]) => `${name}='${value}'`);
  const child = spawn('psql', ['-XAtq', '-c', 'select 6 * 7', '-d', words.join(' ')], {
    env: { PATH: process.env.PATH, PGPASSWORD: password },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  await once(child, 'close');
  return output === '42\n' ? 'ok' : output.replace(/^.*? failed: /, '').trim();
}

/** Runs one client; what it says and how the proxy's connections ended. */
async function through(setup: Partial<ProxySetup>, client: () => Promise<string>) {
  Object.assign(proxy.setup, {
    clientTls: true,
    serverTls: true,
    whenBound: 'refuse',
    remote: false,
    mode: 'relay',
  });
  Object.assign(proxy.setup, setup);
  const before = proxy.ends.length;
  const said = await client();
  return { said, ends: proxy.ends.slice(before).join(', ') };
}

const REQUIRED = /^channel binding (?:is )?required/;
const NEGOTIATION = /^FATAL: {2}SCRAM channel binding negotiation error/;
const BOUND =
  /^FATAL: {2}Hopline: SCRAM with channel binding cannot be relayed[\s\S]*HINT: {2}Connect with channel_binding=disable/;

interface Row {
  readonly client: boolean;
  readonly server: boolean;
  readonly binding: 'disable' | 'prefer' | 'require';
  readonly scram: string | RegExp;
  readonly md5: string | RegExp;
  readonly plain: string | RegExp;
}

/** The table in relay.ts. */
const ROWS: readonly Row[] = [
  { client: true, server: true, binding: 'disable', scram: 'ok', md5: 'ok', plain: 'ok' },
  { client: true, server: true, binding: 'prefer', scram: BOUND, md5: 'ok', plain: 'ok' },
  { client: true, server: true, binding: 'require', scram: REQUIRED, md5: REQUIRED, plain: REQUIRED },
  { client: true, server: false, binding: 'disable', scram: 'ok', md5: 'ok', plain: 'ok' },
  { client: true, server: false, binding: 'prefer', scram: 'ok', md5: 'ok', plain: 'ok' },
  { client: true, server: false, binding: 'require', scram: REQUIRED, md5: REQUIRED, plain: REQUIRED },
  { client: false, server: true, binding: 'disable', scram: 'ok', md5: 'ok', plain: 'ok' },
  { client: false, server: true, binding: 'prefer', scram: 'ok', md5: 'ok', plain: 'ok' },
  { client: false, server: true, binding: 'require', scram: REQUIRED, md5: REQUIRED, plain: REQUIRED },
  { client: false, server: false, binding: 'disable', scram: 'ok', md5: 'ok', plain: 'ok' },
  { client: false, server: false, binding: 'prefer', scram: 'ok', md5: 'ok', plain: 'ok' },
  { client: false, server: false, binding: 'require', scram: REQUIRED, md5: REQUIRED, plain: REQUIRED },
];
const METHODS = { scram: 'scram-sha-256', md5: 'md5', plain: 'password' } as const;

for (const row of ROWS) {
  const what = `client ${row.client ? 'TLS' : 'plain'}, server ${row.server ? 'TLS' : 'plain'}, ${row.binding}`;
  t.test(`psql: ${what}`, async (t) => {
    const setup = { clientTls: row.client, serverTls: row.server };
    const settings = { sslmode: row.client ? 'require' : 'disable', channel_binding: row.binding };
    for (const user of ['scram', 'md5', 'plain'] as const) {
      const expected = row[user];
      const { said, ends } = await through(setup, () => psql({ ...settings, user: `${user}_user` }));
      t.match(said, expected, user);
      if (expected === 'ok') t.equal(ends, `ok: ${METHODS[user]}`, user);
      if (expected === BOUND) {
        const raw = await through({ ...setup, mode: 'raw' }, () =>
          psql({ ...settings, user: `${user}_user` }),
        );
        t.match(raw.said, NEGOTIATION, 'the server’s own words, where the proxy says nothing');
        const ask = await through({ ...setup, whenBound: 'ask' }, () =>
          psql({ ...settings, user: `${user}_user` }),
        );
        t.same(ask, { said: 'ok', ends: 'ok: scram-sha-256-plus asked' });
      }
      if (expected === REQUIRED && user === 'scram' && row.client && row.server) {
        const ask = await through({ ...setup, whenBound: 'ask' }, () =>
          psql({ ...settings, user: `${user}_user` }),
        );
        t.match(ask.said, REQUIRED, 'asking does not help');
      }
    }
  });
}

t.test('psql: held credentials', async (t) => {
  for (const clientTls of [true, false]) {
    for (const channel_binding of ['disable', 'prefer', 'require']) {
      const settings = { sslmode: clientTls ? 'require' : 'disable', channel_binding, user: 'scram_user' };
      const { said, ends } = await through({ clientTls, mode: 'held' }, () => psql(settings, 'anything'));
      t.equal(ends, 'ok: held scram-sha-256-plus');
      if (channel_binding === 'require') t.match(said, REQUIRED);
      else t.equal(said, 'ok');
    }
  }
});

t.test('psql: sslmode by what an SSLRequest is answered', async (t) => {
  const cases: [clientTls: boolean, sslmode: string, said: string | RegExp, ends: string][] = [
    // libpq tries again without TLS where the server ends the first attempt with an error.
    [true, 'prefer', 'ok', 'refused: bound, ok: scram-sha-256'],
    [true, 'allow', 'ok', 'ok: scram-sha-256'],
    [true, 'disable', 'ok', 'ok: scram-sha-256'],
    [true, 'require', BOUND, 'refused: bound'],
    [true, 'verify-full', BOUND, 'refused: bound'],
    [false, 'prefer', 'ok', 'ok: scram-sha-256'],
    [false, 'allow', 'ok', 'ok: scram-sha-256'],
    [false, 'disable', 'ok', 'ok: scram-sha-256'],
    [false, 'require', /does not support SSL/, 'closed before the startup message'],
    [false, 'verify-full', /does not support SSL/, 'closed before the startup message'],
  ];
  for (const [clientTls, sslmode, expected, ended] of cases) {
    const settings = { user: 'scram_user', sslmode, sslrootcert: ca };
    const { said, ends } = await through({ clientTls }, () => psql(settings));
    t.match(said, expected, `${clientTls ? 'S' : 'N'} ${sslmode}`);
    t.equal(ends, ended, `${clientTls ? 'S' : 'N'} ${sslmode}`);
    if (!clientTls) continue;
    const ask = await through({ clientTls, whenBound: 'ask' }, () => psql(settings));
    t.equal(ask.said, 'ok', `${sslmode}, asked`);
  }
});

t.test('psql: wrong passwords, asked or relayed, are refused by the server', async (t) => {
  const expected = /^FATAL: {2}password authentication failed for user "scram_user"/;
  const settings = { user: 'scram_user', sslmode: 'require' };
  for (const setup of [{ whenBound: 'ask' }, { serverTls: false }] as const)
    t.match((await through(setup, () => psql(settings, 'wrong'))).said, expected);
});

t.test('psql: a password in clear only where nobody can read it', async (t) => {
  const settings = { user: 'plain_user', sslmode: 'require' };
  const refused = await through({ serverTls: false, remote: true }, () => psql(settings));
  t.match(
    refused.said,
    /^FATAL: {2}Hopline: the server asks for the password in clear[\s\S]*HINT: {2}Set TLS/,
  );
  t.equal(refused.ends, 'refused: method');
  t.equal((await through({ serverTls: true, remote: true }, () => psql(settings))).said, 'ok');
  t.equal(
    (await through({ serverTls: false, remote: true }, () => psql({ ...settings, user: 'md5_user' }))).said,
    'ok',
  );
});

t.test('psql: a client certificate goes no further than here', async (t) => {
  const { certificate, key } = server.clientCertificate;
  const [sslcert, sslkey] = [join(home, 'c.crt'), join(home, 'c.key')];
  writeFileSync(sslcert, certificate);
  writeFileSync(sslkey, key, { mode: 0o600 });
  const settings = { user: 'cert_user', sslmode: 'require', sslcert, sslkey };
  t.match((await through({}, () => psql(settings))).said, /requires a valid client certificate/);
  t.equal(
    (await through({}, () => psql({ ...settings, port: String(server.port) }))).said,
    'ok',
    'as it does directly',
  );
});

t.test('psql: trust', async (t) => {
  t.same(await through({}, () => psql({ user: 'trusted_user' })), { said: 'ok', ends: 'ok: trust' });
});

t.test('node-postgres', async (t) => {
  const run = async (enableChannelBinding: boolean): Promise<string> => {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: proxy.port,
      user: 'scram_user',
      password: PASSWORD,
      database: 'postgres',
      ssl: { ca: proxy.ca },
      enableChannelBinding,
    } as pg.ClientConfig);
    try {
      await client.connect();
      const { rows } = await client.query<{ n: number }>('select 6 * 7 as n');
      await client.end();
      return rows[0]?.n === 42 ? 'ok' : 'other rows';
    } catch (error) {
      return String(error);
    }
  };
  t.same(await through({}, () => run(false)), { said: 'ok', ends: 'ok: scram-sha-256' });
  t.match(await through({}, () => run(true)), { said: /cannot be relayed/, ends: 'refused: bound' });
  t.same(await through({ whenBound: 'ask' }, () => run(true)), {
    said: 'ok',
    ends: 'ok: scram-sha-256-plus asked',
  });
});
