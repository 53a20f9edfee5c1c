/** A held login on its way to a real worker, and what of it is left behind. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t from 'tap';
import type { HeldLogin } from '../../src/core/credentials.ts';
import { Secret } from '../../src/core/secret.ts';
import { decodeStartupPacket, startupParameter } from '../../src/protocols/postgres/startup.ts';
import { credentialAnswer, writeCredential } from '../../src/proxy/credential-messages.ts';
import { allow } from '../store/seed.ts';
import { ENTRY, rig, until } from './pool.ts';

const SECRET = 'Pw of eléphants "=\\';
const login = (): HeldLogin => ({
  ...{ user: 'app', password: new Secret(SECRET), source: 'file /etc/pw', decision: allow },
});

t.test('the password in base64, and nothing that is no login', async (t) => {
  const sent = JSON.parse(
    JSON.stringify(writeCredential({ type: 'credential', seq: 1, login: login(), error: '' })),
  );
  const read = credentialAnswer(sent);
  t.equal(read?.login?.password.reveal(), SECRET);
  t.match(read, { seq: 1, login: { user: 'app', source: 'file /etc/pw', decision: allow }, error: '' });
  for (const change of [
    { user: 5 },
    { password: 'x'.repeat(40_000) },
    { password: null },
    { source: 1 },
    { decision: null },
  ])
    t.equal(
      credentialAnswer({ ...sent, login: { ...sent.login, ...change } }),
      null,
      JSON.stringify(change).slice(0, 40),
    );
  for (const change of [{ seq: -1 }, { login: 5 }, { error: null }])
    t.equal(credentialAnswer({ ...sent, ...change }), null);
});

/** Asks for its password in clear, takes any, and lets in. */
const answers = ['R\0\0\0\x08\0\0\0\x03', 'R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I'];
const startups: Buffer[] = [];
const passwords: string[] = [];
const server = createServer((socket) => {
  let turn = 0;
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    if (turn === 0) startups.push(chunk);
    if (turn === 1) passwords.push(chunk.toString('utf8', 5, chunk.length - 1));
    socket.write(answers[turn++] ?? '', 'latin1');
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
t.teardown(() => server.close());
const destination = { address: '127.0.0.1', port: (server.address() as AddressInfo).port };
const NO_TLS = { mode: 'disable', ca: null, serverName: null } as const;

/** A startup of version 3.0 as `alice`. */
function client(port: number): Socket {
  const body = Buffer.from('\0\0\0\0\0\x03\0\0user\0alice\0database\0orders\0\0', 'latin1');
  body.writeInt32BE(body.length);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(body);
  return socket;
}

t.test('a worker asks for the login of its hop, and uses it', async (t) => {
  const asked: string[] = [];
  const lent: Secret[] = [];
  await using r = await rig(
    destination,
    (reply) => ({ ...reply, protocol: 'postgres', target: 'db', tls: NO_TLS, held: true }),
    {
      onCredential: async (hop, user) => {
        asked.push(`${hop} ${user}`);
        const given = login();
        lent.push(given.password);
        return given;
      },
    },
  );
  const socket = client(r.port);
  const [said] = (await once(socket, 'data')) as [Buffer];
  t.equal(said.toString('latin1', 0, 9), 'R\0\0\0\x08\0\0\0\0', 'in at once');
  socket.destroy();
  t.same(asked, ['H1 alice']);
  t.same(passwords, [SECRET]);
  const startup = decodeStartupPacket(startups[0] as Buffer);
  if (startup.name !== 'StartupMessage') throw new Error(startup.name);
  t.equal(String(startupParameter(startup, 'user')), 'app');
  t.equal(String(startupParameter(startup, 'database')), 'orders');
  t.ok(
    lent.every(({ cleared }) => cleared),
    'the supervisor keeps nothing of it',
  );
  await r.end('H1');
  t.same(r.faults, []);
});

t.test('where there is none, the client reads why', async (t) => {
  await using r = await rig(
    destination,
    (reply) => ({ ...reply, protocol: 'postgres', target: 'db', tls: NO_TLS, held: true }),
    { onCredential: () => Promise.reject(new Error(`Vault is sealed ${'x'.repeat(2000)}`)) },
  );
  const [said] = (await once(client(r.port), 'data')) as [Buffer];
  t.match(said.toString(), /FATAL\0C28000\0MHopline: no login to db: Vault is sealed x+…/);
  t.match((await r.end('H1')).reason, /^no login to db: Vault is sealed x+/);
});

t.test('a login is asked for once, and only where one is held', async (t) => {
  for (const held of [true, false]) {
    let lent = 0;
    const entry = `${t.testdir()}/greedy.ts`;
    // A worker whose every message is doubled where it asks, and that asks also where it was told of none.
    writeFileSync(
      entry,
      `const send = process.send.bind(process);
      process.send = (message, ...rest) => {
        if (message.type === 'dialed') for (const seq of [7, 8]) send({ type: 'credential', seq, hop: message.hop, user: 'x' });
        return send(message, ...rest);
      };
      await import(${JSON.stringify(ENTRY)});`,
    );
    await using r = await rig(destination, (reply) => ({ ...reply, ...(held ? { held } : {}) }), {
      entry,
      onCredential: async () => {
        lent += 1;
        return login();
      },
    });
    client(r.port);
    await until(() => r.lost.length > 0, 'the loss');
    t.match(r.faults, ['asked for a login that is not held for it']);
    t.equal(lent, held ? 1 : 0);
  }
});
