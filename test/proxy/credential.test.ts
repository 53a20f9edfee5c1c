/** A held login on its way to a real worker, and what of it is left behind. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t from 'tap';
import type { HeldLogin } from '../../src/core/credentials.ts';
import { Secret } from '../../src/core/secret.ts';
import { decodeStartupPacket, startupParameter } from '../../src/protocols/postgres/startup.ts';
import { credentialAnswer } from '../../src/proxy/credential-messages.ts';
import { SealedAnswer, seal } from '../../src/proxy/sealed.ts';
import { allow } from '../store/seed.ts';
import { ENTRY, rig, until } from './pool.ts';

const SECRET = 'Pw of eléphants "=\\';
const login = (): HeldLogin => ({
  ...{ user: 'app', password: new Secret(SECRET), source: 'file /etc/pw', decision: allow },
});

t.test('a password is sealed for the one who asked', async (t) => {
  const answer = new SealedAnswer();
  const secret = new Secret(SECRET);
  const sealed = seal(secret, answer.key);
  t.equal(answer.open(sealed).reveal(), SECRET);
  t.not(seal(secret, answer.key), sealed, 'never twice the same');
  for (const text of [sealed, Buffer.from(sealed, 'base64url').toString('latin1')])
    t.notOk(text.includes('Pw of'));
  t.throws(() => new SealedAnswer().open(sealed), 'another cannot open it');
  const [point = '', text = ''] = sealed.split('.');
  const flipped = `${point}.${text.startsWith('A') ? 'B' : 'A'}${text.slice(1)}`;
  for (const wrong of [flipped, `${point}.${text.slice(4)}`, point, `${point}.`, '', `x.${text}`])
    t.throws(() => answer.open(wrong), wrong);
  t.throws(() => seal(secret, 'A'.repeat(43)), 'a point of low order');
});

t.test('nothing passes that is no login', async (t) => {
  const rest = { user: 'app', source: 'file /etc/pw', decision: allow, sealed: 'x.y' };
  const good = { type: 'credential', seq: 1, login: rest, error: '' } as const;
  t.same(credentialAnswer(good), good);
  const wrong = [
    { user: 5 },
    { sealed: 'x'.repeat(40_000) },
    { sealed: null },
    { source: 1 },
    { decision: null },
  ];
  for (const change of wrong) t.equal(credentialAnswer({ ...good, login: { ...rest, ...change } }), null);
  for (const change of [{ seq: -1 }, { login: 5 }, { error: null }])
    t.equal(credentialAnswer({ ...good, ...change }), null);
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

/** A startup of version 3.0. */
function client(port: number, user = 'alice'): Socket {
  const body = Buffer.from(`\0\0\0\0\0\x03\0\0user\0${user}\0database\0orders\0\0`, 'latin1');
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

t.test('no length of anything costs the worker its other connections', async (t) => {
  await using r = await rig(
    destination,
    (reply) => ({ ...reply, protocol: 'postgres', target: 'db', tls: NO_TLS, held: true }),
    {
      onCredential: async () => ({
        ...login(),
        source: `file /${'x'.repeat(4000)}`,
        password: new Secret('x'.repeat(16_384)),
      }),
    },
  );
  const [refused] = (await once(client(r.port, 'a'.repeat(5000)), 'data')) as [Buffer];
  t.match(refused.toString(), /nobody has a name of 5000 characters/);
  const [said] = (await once(client(r.port), 'data')) as [Buffer];
  t.equal(said.toString('latin1', 0, 1), 'R');
  t.equal(passwords.at(-1)?.length, 16_384);
  t.equal(r.dialed.length, 2, 'the first was told of too, though it ended as it was reached');
  t.same([r.faults, r.lost], [[], []]);
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
        if (message.type === 'dialed') for (const seq of [7, 8]) send({ type: 'credential', seq, hop: message.hop, user: 'x', key: 'AAAA'.repeat(10) + 'AAA' });
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
