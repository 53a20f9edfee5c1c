/** Hopline's own login: against a real PostgreSQL in every method, and against servers that lie. */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { Secret } from '../../../../src/core/secret.ts';
import { tlsServerEndPoint } from '../../../../src/protocols/postgres/auth/channel-binding.ts';
import {
  ClientAuthentication,
  type ClientAuthenticationOptions,
} from '../../../../src/protocols/postgres/auth/client.ts';
import {
  decodeAuthentication,
  decodeErrorResponse,
} from '../../../../src/protocols/postgres/decode-backend.ts';
import { encode } from '../../../../src/protocols/postgres/encode.ts';
import { errorReport } from '../../../../src/protocols/postgres/error-fields.ts';
import type { Authentication } from '../../../../src/protocols/postgres/messages.ts';
import { PROTOCOL_3_0, sslRequest, startupMessage } from '../../../../src/protocols/postgres/startup.ts';
import { clientOptions, type TlsSettings } from '../../../../src/tls/contexts.ts';
import { connectTls } from '../../../../src/tls/upgrade.ts';
import { directory } from '../../../tls/support.ts';
import { PASSWORD, startPostgres } from './server.ts';
import { Wire } from './wire.ts';

const server = await startPostgres();
t.teardown(() => server[Symbol.dispose]());

interface Login {
  readonly user: string;
  readonly password?: string;
  readonly tls?: boolean | Partial<TlsSettings>;
  readonly allow?: ClientAuthenticationOptions['allow'];
}

/** `ok METHOD`, or the server's SQLSTATE and words. */
async function login({
  user,
  password = PASSWORD,
  tls = false,
  allow = { cleartext: true, md5: true },
}: Login) {
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  try {
    await once(socket, 'connect');
    let wire = new Wire(socket);
    let certificateDer: Buffer | null = null;
    if (tls !== false) {
      const settings: TlsSettings = {
        mode: 'require',
        ca: null,
        serverName: null,
        ...(tls === true ? {} : tls),
      };
      const options = clientOptions(settings, { name: null, address: '127.0.0.1' });
      wire.stream.write(encode(sslRequest));
      t.equal(String(await wire.bytes(1)), 'S');
      wire.release();
      if (options === null) throw new Error('disabled');
      const leg = await connectTls(socket, options);
      certificateDer = leg.certificateDer;
      wire = new Wire(leg.stream);
    }
    wire.stream.write(
      encode(startupMessage, PROTOCOL_3_0, [
        { name: 'user', value: user },
        { name: 'database', value: 'postgres' },
      ]),
    );
    const authentication = new ClientAuthentication({
      user,
      password: new Secret(password),
      tls: certificateDer === null ? null : { certificateDer },
      allow,
    });
    for (;;) {
      const message = await wire.message();
      if (message === null) return 'closed';
      if (message[0] === 0x45) {
        const { code, message: words } = errorReport(decodeErrorResponse(message).fields);
        return `${code} ${words}`;
      }
      const answer = await authentication.next(message);
      if (answer === 'ok') return `ok ${authentication.method}`;
      if (answer !== null) wire.stream.write(answer);
    }
  } finally {
    socket.destroy();
  }
}

t.test('each method', async (t) => {
  t.equal(await login({ user: 'scram_user' }), 'ok scram-sha-256');
  t.equal(await login({ user: 'scram_user', tls: true }), 'ok scram-sha-256-plus');
  t.equal(await login({ user: 'md5_user' }), 'ok md5');
  t.equal(await login({ user: 'plain_user', tls: true }), 'ok password');
  t.equal(await login({ user: 'trusted_user' }), 'ok trust');
});

t.test('a password that is wrong is refused in the server’s words', async (t) => {
  for (const user of ['scram_user', 'md5_user', 'plain_user'])
    t.equal(
      await login({ user, password: 'wrong' }),
      `28P01 password authentication failed for user "${user}"`,
    );
});

t.test('what is not allowed is not sent', async (t) => {
  const none = { cleartext: false, md5: false };
  await t.rejects(login({ user: 'plain_user', allow: none }), { code: 'method', message: /in clear/ });
  await t.rejects(login({ user: 'md5_user', allow: none }), { code: 'method', message: /as MD5/ });
  t.equal(await login({ user: 'scram_user', allow: none }), 'ok scram-sha-256');
});

t.test('channel binding with certificates of other signatures', async (t) => {
  const path = directory(t);
  const make = (...args: string[]) => {
    const [key, crt] = [join(path, 'key'), join(path, 'crt')];
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=127.0.0.1',
        '-keyout',
        key,
        '-out',
        crt,
        ...args,
      ],
      { stdio: 'pipe' },
    );
    return { certificate: readFileSync(crt, 'utf8'), key: readFileSync(key, 'utf8') };
  };
  const pss = ['-newkey', 'rsa:2048', '-sigopt', 'rsa_padding_mode:pss'];
  const cases: [what: string, args: string[], method: string][] = [
    ['RSA with SHA-256', ['-newkey', 'rsa:2048', '-sha256'], 'ok scram-sha-256-plus'],
    ['RSA with SHA-384', ['-newkey', 'rsa:2048', '-sha384'], 'ok scram-sha-256-plus'],
    ['RSA with SHA-512', ['-newkey', 'rsa:2048', '-sha512'], 'ok scram-sha-256-plus'],
    ['RSA with SHA-1', ['-newkey', 'rsa:2048', '-sha1'], 'ok scram-sha-256-plus'],
    ['RSASSA-PSS with SHA-256', [...pss, '-sha256'], 'ok scram-sha-256-plus'],
    ['RSASSA-PSS with SHA-384', [...pss, '-sha384'], 'ok scram-sha-256-plus'],
    [
      'ECDSA with SHA-384',
      ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384'],
      'ok scram-sha-256-plus',
    ],
    ['Ed25519', ['-newkey', 'ed25519'], 'ok scram-sha-256'],
  ];
  for (const [what, args, method] of cases) {
    server.certificate(make(...args));
    t.equal(await login({ user: 'scram_user', tls: true }), method, what);
  }
});

t.test('a certificate that is cut short or changed has a hash or none', async (t) => {
  const pem = server.authority;
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  t.equal(tlsServerEndPoint(der)?.length, 32);
  for (let length = 0; length < der.length; length += 1) tlsServerEndPoint(der.subarray(0, length));
  for (let at = 0; at < der.length; at += 1) {
    for (const value of [0, 0x80, 0x84, 0xff]) {
      const changed = Buffer.from(der);
      changed[at] = value;
      tlsServerEndPoint(changed);
    }
  }
  t.equal(tlsServerEndPoint(Buffer.alloc(0)), null);
});

t.test('a client certificate that Hopline holds', async (t) => {
  t.match(
    await login({ user: 'cert_user', tls: true }),
    /^28000 connection requires a valid client certificate/,
  );
  const { certificate, key } = server.clientCertificate;
  const held = { chain: certificate, key: new Secret(key) };
  t.equal(await login({ user: 'cert_user', tls: { certificate: held } }), 'ok trust');
});

const SASL = 'AuthenticationSASL';

t.test('servers that lie, and messages out of turn', async (t) => {
  const der = Buffer.from(server.authority.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const start = (tls = false) =>
    new ClientAuthentication({
      user: 'u',
      password: new Secret('geheim'),
      tls: tls ? { certificateDer: der } : null,
      allow: { cleartext: true, md5: true },
    });
  const both = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'];
  const continued = { name: 'AuthenticationSASLContinue', data: Buffer.from('r=x') } as const;
  const final = { name: 'AuthenticationSASLFinal', data: Buffer.from('v=AAAA') } as const;
  const salt = Buffer.alloc(4);
  const cases: [what: string, messages: Authentication[], code: string][] = [
    [
      'no proof before ok',
      [{ name: SASL, mechanisms: both.slice(1) }, { name: 'AuthenticationOk' }],
      'server',
    ],
    ['PLUS without TLS', [{ name: SASL, mechanisms: both }], 'server'],
    ['no mechanism that is known', [{ name: SASL, mechanisms: ['SCRAM-SHA-1', 'PLAIN'] }], 'method'],
    ['none at all', [{ name: SASL, mechanisms: [] }], 'method'],
    [
      'a second method',
      [{ name: SASL, mechanisms: both.slice(1) }, { name: 'AuthenticationCleartextPassword' }],
      'server',
    ],
    [
      'the password twice',
      [{ name: 'AuthenticationMD5Password', salt }, { name: 'AuthenticationCleartextPassword' }],
      'server',
    ],
    ['continue before it began', [continued], 'server'],
    ['final before it began', [final], 'server'],
    ['final without continue', [{ name: SASL, mechanisms: both.slice(1) }, final], 'server'],
    ['a nonce of its own', [{ name: SASL, mechanisms: both.slice(1) }, continued], 'server'],
    ['GSS', [{ name: 'AuthenticationGSS' }], 'method'],
    ['SSPI', [{ name: 'AuthenticationSSPI' }], 'method'],
    ['Kerberos 5', [{ name: 'AuthenticationKerberosV5' }], 'method'],
  ];
  for (const [what, messages, code] of cases) {
    const authentication = start();
    let error: unknown = null;
    for (const message of messages)
      await authentication.next(message).catch((thrown: unknown) => {
        error = thrown;
      });
    t.match(error, { name: 'AuthenticationError', code }, what);
    t.notMatch(String(error), /geheim/);
  }
  const offered = async (mechanisms: string[]) =>
    String(await start(true).next({ name: SASL, mechanisms })).replace(/r=.*/, '');
  t.match(await offered(both), 'SCRAM-SHA-256-PLUS\0\0\0\0?p=tls-server-end-point,,n=,'.slice(0, 19));
  t.match(await offered(['SCRAM-SHA-256']), 'y,,n=,', 'a downgrade would be noticed by the server');
  t.throws(() => decodeAuthentication(Buffer.from('R\0\0\0\x08\0\0\0\x63', 'latin1')), { code: 'malformed' });
});
