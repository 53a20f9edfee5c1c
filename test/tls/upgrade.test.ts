/** Both legs over real sockets, with Node and Debian's openssl at the other end; handshakes that come to nothing. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type ConnectionOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import t from 'tap';
import { serverContext } from '../../src/tls/contexts.ts';
import type { TlsError } from '../../src/tls/explain.ts';
import { acceptTls, type ContextFor, connectTls } from '../../src/tls/upgrade.ts';
import { rig } from './rig.ts';
import { authority, listen, pair, run, until } from './support.ts';

const { home, ca, mint, context, target, client } = await rig(t);

async function all(stream: TLSSocket | Socket): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks).toString();
}

t.test('node verifies the chain and the name', async (t) => {
  const port = await listen(t, (socket) => void acceptTls(socket, null, context).catch(() => {}));
  t.equal(await client(port, { servername: 'db1' }), 'TLSv1.3 false');
  t.equal(await client(port, {}), 'TLSv1.3 false', 'by its address');
  t.equal(await client(port, { servername: 'db1', maxVersion: 'TLSv1.2' }), 'TLSv1.2 false');
  t.equal(await client(port, { servername: 'db2' }), 'ERR_TLS_CERT_ALTNAME_INVALID');
  t.match(await client(port, { servername: 'db1', ca: [] }), /SELF_SIGNED|UNABLE_TO/);
});

t.test('openssl s_client accepts it', async (t) => {
  const port = await listen(t, (socket) =>
    acceptTls(socket, null, context).then(
      ({ stream }) => stream.end('hello\n'),
      () => {},
    ),
  );
  const s_client = (...args: string[]) =>
    run('openssl', [
      ...[
        's_client',
        '-connect',
        `127.0.0.1:${port}`,
        '-CAfile',
        join(home, 'ca.crt'),
        '-verify_return_error',
      ],
      ...args,
    ]);
  for (const args of [
    ['-servername', 'db1', '-verify_hostname', 'db1'],
    ['-verify_ip', '127.0.0.1', '-noservername'],
    ['-servername', 'db1', '-verify_hostname', 'db1', '-tls1_2'],
  ])
    t.match((await s_client(...args)).output, /Verify return code: 0 \(ok\)/, args.join(' '));
  t.match(await s_client('-verify_hostname', 'db2'), { output: /hostname mismatch/ });
});

t.test('bytes that were read already are put back', async (t) => {
  for (const cut of [1, 5, 200, 100_000]) {
    const { near, far } = await pair(t);
    const connected = connectTls(far, target());
    near.resume();
    const [chunk] = (await once(near, 'data')) as [Buffer];
    near.pause();
    near.removeAllListeners('data');
    near.unshift(chunk.subarray(cut));
    const { stream } = await acceptTls(near, chunk.subarray(0, cut), context);
    const leg = await connected;
    leg.stream.end('question');
    t.equal(await all(stream), 'question', `${cut} bytes`);
  }
});

t.test('the context for the name that the client asks for', async (t) => {
  const asked: (string | null)[] = [];
  const contextFor: ContextFor = async (name) => {
    asked.push(name);
    return serverContext(await mint.mint({ names: [name ?? '127.0.0.1'] }));
  };
  const port = await listen(t, (socket) => void acceptTls(socket, null, contextFor).catch(() => {}));
  t.equal(await client(port, { servername: 'payroll-db.example' }), 'TLSv1.3 false');
  t.same(asked, [null, 'payroll-db.example']);
  t.equal(await client(port, {}), 'TLSv1.3 false', 'none: the default');
});

t.test('a name that gets no certificate', async (t) => {
  const contextFor: ContextFor = async (name) =>
    serverContext(await mint.mint({ names: [name === null ? 'db1' : `*.${name}`] }));
  const { near, far } = await pair(t);
  const connected = connectTls(far, target()).catch((error: unknown) => error);
  await t.rejects(acceptTls(near, null, contextFor), { name: 'MintError', code: 'name' });
  t.match(await connected, { code: 'closed' });
  const { near: other } = await pair(t);
  await t.rejects(
    acceptTls(other, null, () => Promise.reject(new Error('no supervisor'))),
    { message: 'no supervisor' },
  );
  t.ok(other.destroyed);
});

t.test('ALPN', async (t) => {
  const accept = (alpnRequired: boolean) =>
    listen(
      t,
      (socket) =>
        void acceptTls(socket, null, context, { alpn: ['postgresql'], alpnRequired }).catch(
          (error: TlsError) => errors.push(error.message),
        ),
    );
  const errors: string[] = [];
  const [any, direct] = [await accept(false), await accept(true)];
  const name = { servername: 'db1' };
  t.equal(await client(any, { ...name, ALPNProtocols: ['postgresql'] }), 'TLSv1.3 postgresql');
  t.equal(await client(any, name), 'TLSv1.3 false');
  t.match(await client(any, { ...name, ALPNProtocols: ['h2'] }), /NO_APPLICATION_PROTOCOL/);
  t.equal(await client(direct, { ...name, ALPNProtocols: ['h2', 'postgresql'] }), 'TLSv1.3 postgresql');
  t.equal(errors.length, 1);
  await client(direct, name);
  await until(() => errors.length === 2, 'an error');
  t.match(errors, [/no protocol in common \(ALPN\)/, /did not say that it speaks postgresql/]);
  const { near, far } = await pair(t);
  const [, leg] = await Promise.all([
    acceptTls(near, null, context, { alpn: ['postgresql'] }),
    connectTls(far, target(), { alpn: ['postgresql'] }),
  ]);
  t.equal(leg.alpn, 'postgresql');
  const mismatch = await pair(t);
  const accepted = acceptTls(mismatch.near, null, context, { alpn: ['postgresql'] }).catch(() => {});
  await t.rejects(connectTls(mismatch.far, target(), { alpn: ['h2'] }), { code: 'alpn' });
  await accepted;
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const first of ['client', 'server'] as const) {
    t.test(`${version}: the ${first} ends first, and the other goes on`, async (t) => {
      const { near, far } = await pair(t);
      const options = target();
      const [{ stream: server }, { stream: client }] = await Promise.all([
        acceptTls(near, null, context),
        connectTls(far, {
          ...options,
          options: {
            ...options.options,
            maxVersion: version,
            secureContext: undefined,
            ca: ca.certificate,
          } as ConnectionOptions,
        }),
      ]);
      t.equal(client.getProtocol(), version);
      const [one, other] = first === 'client' ? [client, server] : [server, client];
      one.end('the last of one');
      t.equal(await all(other), 'the last of one');
      t.equal(other.writable, true);
      const rest = all(one);
      other.write('x'.repeat(1_000_000));
      await new Promise((resolve) => setTimeout(resolve, 50));
      other.end('and more later');
      const got = await rest;
      t.equal(got.length, 1_000_014);
      t.ok(got.endsWith('and more later'));
      await until(
        () => client.destroyed && server.destroyed && near.destroyed && far.destroyed,
        'all closed',
      );
    });
  }
}

t.test('a client that never says anything, or stops in the middle', async (t) => {
  for (const sent of [Buffer.alloc(0), Buffer.from('160301020001', 'hex')]) {
    const { near, far } = await pair(t);
    far.write(sent);
    const started = Date.now();
    await t.rejects(acceptTls(near, null, context, { timeoutMs: 100 }), {
      code: 'timeout',
      message: 'the client did not finish the TLS handshake within 0.1 s',
    });
    t.ok(Date.now() - started < 1000);
    t.ok(near.destroyed);
  }
  const { near, far } = await pair(t);
  await t.rejects(connectTls(far, target(), { timeoutMs: 100 }), { code: 'timeout', peer: 'server' });
  near.destroy();
});

t.test('what is not TLS', async (t) => {
  for (const garbage of [
    'GET / HTTP/1.1\r\n\r\n',
    'SSH-2.0-x\r\n',
    '\0\0\0\x08\x04\xd2\x16\x2f',
    '\x16\x03\x01\xff\xff',
    'x'.repeat(70_000),
  ]) {
    const shown = JSON.stringify(garbage.slice(0, 20));
    {
      const { near, far } = await pair(t);
      far.on('error', () => {});
      far.resume().write(Buffer.from(garbage, 'latin1'));
      await t.rejects(
        acceptTls(near, null, context),
        { name: 'TlsError', code: /not-tls|handshake/, peer: 'client' },
        shown,
      );
      t.ok(near.destroyed, shown);
    }
    const { near, far } = await pair(t);
    near.on('error', () => {});
    near.resume();
    const connected = connectTls(far, target()).catch((error: unknown) => error);
    near.write(Buffer.from(garbage, 'latin1'));
    t.match(await connected, { name: 'TlsError', code: /not-tls|handshake/, peer: 'server' }, shown);
    t.ok(far.destroyed, shown);
  }
});

t.test('an end or a reset in the middle', async (t) => {
  const hello = Buffer.from('160301020001', 'hex');
  for (const how of ['end', 'destroy', 'resetAndDestroy'] as const) {
    const { near, far } = await pair(t);
    far.write(hello, () => far[how]());
    await t.rejects(acceptTls(near, null, context), { code: 'closed', peer: 'client' }, how);
    const other = await pair(t);
    other.near.resume();
    other.near.once('data', () => other.near[how]());
    await t.rejects(connectTls(other.far, target()), { code: 'closed', peer: 'server' }, how);
    t.ok(near.destroyed && other.far.destroyed);
  }
  const { near, far } = await pair(t);
  near.destroy();
  await t.rejects(acceptTls(near, null, context), { code: 'closed' });
  far.destroy();
  await t.rejects(connectTls(far, target()), { code: 'closed' });
});

t.test('a client that does not trust the authority', async (t) => {
  const error = Promise.withResolvers<unknown>();
  const port = await listen(t, (socket) => void acceptTls(socket, null, context).catch(error.resolve));
  const crt = join(home, 'other.crt');
  writeFileSync(crt, (await authority(t)).authority.certificate);
  await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', crt, '-verify_return_error']);
  t.match(await error.promise, {
    code: 'rejected',
    message: /does not accept Hopline's certificate \(.*unknown ca.*\): add Hopline's CA to what it trusts/,
  });
});

t.test('versions before 1.2', async (t) => {
  const error = Promise.withResolvers<unknown>();
  const port = await listen(t, (socket) => void acceptTls(socket, null, context).catch(error.resolve));
  await run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-tls1_1', '-cipher', 'ALL@SECLEVEL=0']);
  t.match(await error.promise, { code: 'version', message: /at least 1.2/ });
});

t.test('plaintext in front of the handshake', async (t) => {
  const { near, far } = await pair(t);
  near.write('injected');
  far.once('readable', () => {});
  await until(() => far.readableLength > 0, 'bytes');
  await t.rejects(connectTls(far, target()), { code: 'plaintext' });
  t.ok(far.destroyed);
});

t.test('a reset of the TCP socket is a reset for the peer', async (t) => {
  const { near, far } = await pair(t);
  const [server, client] = await Promise.all([acceptTls(near, null, context), connectTls(far, target())]);
  const errors: string[] = [];
  client.stream.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''));
  client.stream.resume();
  server.stream.on('error', () => {});
  near.resetAndDestroy();
  await until(() => client.stream.destroyed && server.stream.destroyed, 'both closed');
  t.same(errors, ['ECONNRESET']);
});

t.test('plaintext while connected is an end, and no other connection feels it', async (t) => {
  const port = await listen(t, async (socket) => {
    const { stream } = await acceptTls(socket, null, context).catch(() => ({ stream: null }));
    stream?.on('error', () => {});
    stream?.pipe(stream);
  });
  const healthy = tlsConnect({ host: '127.0.0.1', port, ca: [ca.certificate], servername: 'db1' });
  await once(healthy, 'secureConnect');
  const raw = connect(port, '127.0.0.1');
  raw.on('error', () => {});
  raw.write('garbage');
  raw.resume();
  await once(raw, 'close');
  healthy.write('still there');
  t.equal(String(((await once(healthy, 'data')) as [Buffer])[0]), 'still there');
  healthy.destroy();
});
