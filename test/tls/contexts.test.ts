/** What is known of a server by the target's settings, and every certificate that is not accepted, in a sentence. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import t from 'tap';
import { Secret } from '../../src/core/secret.ts';
import { clientOptions, serverContext, type TlsMode, type TlsSettings } from '../../src/tls/contexts.ts';
import { TlsError } from '../../src/tls/explain.ts';
import { Mint } from '../../src/tls/mint.ts';
import { MintedContexts } from '../../src/tls/minted-contexts.ts';
import { acceptTls, connectTls, type ServerLeg, type TlsLeg } from '../../src/tls/upgrade.ts';
import { rig } from './rig.ts';
import { authority, listen, pair, run, type Teardown, until } from './support.ts';

const { home, ca, mint, minted, context, settings, target } = await rig(t);

async function legs(
  t: Teardown,
  change: Partial<TlsSettings> = {},
): Promise<{ near: TlsLeg; far: ServerLeg }> {
  const { near, far } = await pair(t);
  const [accepted, connected] = await Promise.all([
    acceptTls(near, null, context),
    connectTls(far, target(change)),
  ]);
  return { near: accepted, far: connected };
}

t.test('what is known of the server, by mode', async (t) => {
  const modes: [TlsMode, ServerLeg['verified']][] = [
    ['prefer', 'none'],
    ['require', 'none'],
    ['verify-ca', 'ca'],
    ['verify-full', 'full'],
  ];
  for (const [mode, verified] of modes) {
    const { near, far } = await legs(t, { mode });
    t.equal(far.verified, verified, mode);
    t.equal(far.protocol, 'TLSv1.3');
    t.match(far.cipher, /^TLS_/);
    t.equal(far.serverName, 'db1');
    t.equal(near.serverName, 'db1');
    t.ok(far.certificateDer.length > 200);
  }
  t.equal(clientOptions(settings({ mode: 'disable' }), { name: 'db1', address: '127.0.0.1' }), null);
});

interface Refusal {
  readonly what: string;
  readonly names: readonly string[];
  readonly change: Partial<TlsSettings>;
  readonly name?: string | null;
  readonly code: string;
  readonly message: RegExp;
}

t.test('a server that is not who it should be, in a sentence', async (t) => {
  const other = await authority(t, 'elsewhere');
  const refusals: Refusal[] = [
    {
      what: 'another name',
      names: ['db2', 'db3.example'],
      change: {},
      code: 'name',
      message:
        /is for DNS:db2, DNS:db3.example, not for db1 \(issued by Hopline CA on bastion1\): set the name/,
    },
    {
      what: 'the overriding name',
      names: ['db1'],
      change: { serverName: 'db9' },
      code: 'name',
      message: /is for DNS:db1, not for db9/,
    },
    {
      what: 'an address',
      names: ['db1'],
      change: {},
      name: null,
      code: 'name',
      message: /not for 127\.0\.0\.1/,
    },
    {
      what: 'another authority',
      names: ['db1'],
      change: { ca: other.authority.certificate },
      code: 'untrusted',
      message: /\(db1, issued by Hopline CA on bastion1\) does not lead to the CAs of this target/,
    },
    {
      what: 'another authority, chain only',
      names: ['db1'],
      change: { ca: other.authority.certificate, mode: 'verify-ca' },
      code: 'untrusted',
      message: /does not lead to/,
    },
    {
      what: "the system's authorities",
      names: ['db1'],
      change: { ca: null },
      code: 'untrusted',
      message: /does not lead to the system's CAs/,
    },
  ];
  for (const { what, names, change, name = 'db1', code, message } of refusals) {
    const { near, far } = await pair(t);
    const shown = serverContext(await mint.mint({ names }));
    const accepted = acceptTls(near, null, shown).catch((error: unknown) => error);
    const error = await connectTls(far, target(change, name)).catch((error: unknown) => error);
    t.ok(error instanceof TlsError, what);
    t.match(error, { code, message, peer: 'server' }, what);
    t.ok(far.destroyed, what);
    await accepted;
  }
  const { near, far } = await pair(t);
  const overridden = target({ serverName: 'db1.' }, 'db7');
  const accepted = acceptTls(near, null, context);
  t.equal((await connectTls(far, overridden)).verified, 'full', 'the overriding name is the one that counts');
  t.equal((await accepted).serverName, 'db1');
});

t.test('a certificate out of its time, or signed by itself', async (t) => {
  const [key, crt] = [join(home, 'self.key'), join(home, 'self.crt')];
  const made = await run('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'],
    ...['-keyout', key, '-out', crt, '-subj', '/O=Evil\u001b[2J/CN=db1', '-addext', 'subjectAltName=DNS:db1'],
  ]);
  if (made.code !== 0) throw new Error(made.output);
  const self = { certificate: readFileSync(crt, 'utf8'), key: readFileSync(key, 'utf8') };
  const at = (days: number) => {
    const shifted = new Mint({ authority: ca, now: () => (Date.now() + days * 86_400_000) * 1000 });
    return shifted.mint({ names: ['db1'] });
  };
  const cases: [string, { certificate: string; key: string }, string, RegExp][] = [
    [
      'expired',
      await at(-30),
      'expired',
      /\(db1, issued by Hopline CA on bastion1\), or .* has expired: .* GMT to .* GMT/,
    ],
    ['early', await at(30), 'expired', /is not valid yet: .* GMT/],
    ['self', self, 'untrusted', /\(db1, issued by db1\) is signed by itself/],
  ];
  for (const [what, server, code, message] of cases) {
    for (const mode of ['verify-ca', 'verify-full'] as const) {
      const { near, far } = await pair(t);
      const accepted = acceptTls(near, null, serverContext(server)).catch((error: unknown) => error);
      await t.rejects(connectTls(far, target({ mode })), { code, message }, what);
      await accepted;
    }
  }
  const { near, far } = await pair(t);
  const accepted = acceptTls(near, null, serverContext(self));
  t.equal((await connectTls(far, target({ ca: self.certificate }))).verified, 'full', 'pinned');
  await accepted;
});

t.test('an authority that the system trusts', async (t) => {
  const port = await listen(t, (socket) => void acceptTls(socket, null, context).catch(() => {}));
  const script = `
    import { connect } from 'node:net';
    import { once } from 'node:events';
    import { clientOptions } from ${JSON.stringify(new URL('../../src/tls/contexts.ts', import.meta.url).href)};
    import { connectTls } from ${JSON.stringify(new URL('../../src/tls/upgrade.ts', import.meta.url).href)};
    const socket = connect(Number(process.argv[1]), '127.0.0.1');
    await once(socket, 'connect');
    const settings = { mode: 'verify-full', ca: null, serverName: null };
    const leg = await connectTls(socket, clientOptions(settings, { name: 'db1', address: '127.0.0.1' }));
    console.log(leg.verified);
    socket.destroy();
  `;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script, String(port)],
    { env: { SSL_CERT_FILE: join(home, 'ca.crt'), SSL_CERT_DIR: home } },
  );
  t.equal(stdout, 'full\n');
});

t.test('settings that cannot work', async (t) => {
  const broken = '-----BEGIN CERTIFICATE-----\nZ2VoZWlt\n-----END CERTIFICATE-----\n';
  const key = new Secret('geheim');
  for (const change of [
    { ca: '' },
    { ca: 'geheim' },
    { ca: broken },
    { certificate: { chain: 'x', key } },
    { certificate: { chain: minted.certificate, key } },
  ]) {
    try {
      target(change);
      t.fail('taken');
    } catch (error) {
      t.match(error, { name: 'TlsError', code: 'settings' });
      t.notMatch(String(error), /geheim/);
    }
  }
});

t.test('one context for all connections with the same authorities', async (t) => {
  const one = target({ ca: null }).options.secureContext;
  t.equal(target({ ca: null, mode: 'verify-ca' }, 'db2').options.secureContext, one);
  t.not(target().options.secureContext, one);
});

t.test('a client certificate that Hopline holds', async (t) => {
  const { near, far } = await pair(t);
  const server = new TLSSocket(near, {
    isServer: true,
    requestCert: true,
    rejectUnauthorized: false,
    cert: minted.certificate,
    key: minted.key,
  });
  const certificate = { chain: minted.certificate, key: new Secret(minted.key) };
  await connectTls(far, target({ certificate }));
  await until(() => server.getPeerCertificate().subject !== undefined, 'a certificate');
  t.equal(server.getPeerCertificate().subject.CN, '127.0.0.1');
});

t.test('contexts are asked for once by name, until they are due', async (t) => {
  let now = Date.now() * 1000;
  const asked: string[] = [];
  const contexts = new MintedContexts({
    limit: 3,
    now: () => now,
    ask: async (request) => {
      asked.push(...request.names);
      return mint.mint(request);
    },
  });
  const contextFor = contexts.for('10.0.0.1');
  const [one, two] = await Promise.all([contextFor('db1'), contextFor('DB1')]);
  t.equal(one, two);
  t.same(asked, ['db1']);
  await contextFor(null);
  t.same(asked, ['db1', '10.0.0.1']);
  now += 6 * 86_400_000_000;
  t.not(await contextFor('db1'), one, 'a day before the end');
  now -= 6 * 86_400_000_000;
  for (const name of ['db2', 'db3', 'db4']) await contextFor(name);
  t.equal(contexts.held, 3);
  for (const name of ['*', 'x'.repeat(100_000)]) await t.rejects(contextFor(name), { name: 'MintError' });
  t.equal(contexts.held, 3, 'what was refused is not kept');
});
