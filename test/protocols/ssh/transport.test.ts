import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import t, { type Test } from 'tap';
import { WireWriter } from '../../../src/core/ssh-wire.ts';
import { blobOf, signatureAlgorithms, signWith } from '../../../src/protocols/ssh/keys/public-key.ts';
import { Message } from '../../../src/protocols/ssh/numbers.ts';
import { type Offer, serverOffer } from '../../../src/protocols/ssh/transport/algorithms.ts';
import type { HostKey } from '../../../src/protocols/ssh/transport/host-key.ts';
import { encodeKexInit } from '../../../src/protocols/ssh/transport/kexinit.ts';
import { Transport, type TransportOptions } from '../../../src/protocols/ssh/transport/transport.ts';
import { until } from '../../until.ts';

const hostKey = (privateKey: KeyObject): HostKey => ({
  algorithms: signatureAlgorithms(
    blobOf(privateKey)
      .subarray(4, 4 + blobOf(privateKey).readUInt32BE())
      .toString(),
  ),
  publicKey: blobOf(privateKey),
  sign: async (algorithm, data) => signWith(privateKey, algorithm, data),
});
const ED25519 = hostKey(generateKeyPairSync('ed25519').privateKey);
const KEYS = [
  ED25519,
  hostKey(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
  ...['P-256', 'P-384', 'P-521'].map((namedCurve) =>
    hostKey(generateKeyPairSync('ec', { namedCurve }).privateKey),
  ),
];

interface End {
  readonly transport: Transport;
  readonly messages: Buffer[];
  readonly errors: Error[];
  readonly said: string[];
  keys: number;
}

/** Two transports; what one writes the other reads, in pieces of so many bytes. */
function pair(offer: Partial<Offer> = {}, piece = 65_536, hostKeys: readonly HostKey[] = [ED25519]) {
  const wires: Record<'client' | 'server', Buffer[]> = { client: [], server: [] };
  const end = (role: 'client' | 'server'): End => {
    const made: Omit<End, 'transport'> = { messages: [], errors: [], said: [], keys: 0 };
    const options: TransportOptions = {
      role,
      offer: { ...serverOffer(hostKeys.flatMap(({ algorithms }) => algorithms)), ...offer },
      hostKeys,
      room: (length) => {
        const bytes = Buffer.alloc(length);
        wires[role].push(bytes);
        return bytes;
      },
      onMessage: (payload) => made.messages.push(Buffer.from(payload)),
      onKeys: () => {
        made.keys += 1;
      },
      onDisconnect: (reason, description) => made.said.push(`${reason} ${description}`),
      onError: (error) => made.errors.push(error),
    };
    return Object.assign(made, { transport: new Transport(options) });
  };
  const client = end('client');
  const server = end('server');
  /** Delivers until nothing is under way; what a host signs comes later. */
  const settle = async (done: () => boolean): Promise<void> => {
    await until(() => {
      for (const [from, to] of [
        ['client', server],
        ['server', client],
      ] as const) {
        const bytes = Buffer.concat(wires[from].splice(0));
        for (let at = 0; at < bytes.length; at += piece) to.transport.receive(bytes.subarray(at, at + piece));
      }
      return done() && wires.client.length === 0 && wires.server.length === 0;
    }, 'both sides are quiet');
  };
  const start = async (): Promise<void> => {
    client.transport.start();
    server.transport.start();
    await settle(() => client.keys > 0 && server.keys > 0);
  };
  return { client, server, wires, settle, start };
}

const message = (text: string) => new WireWriter().byte(Message.CHANNEL_DATA).uint32(0).string(text).bytes();

async function talks(t: Test, offer: Partial<Offer>, piece?: number, hostKeys?: readonly HostKey[]) {
  const { client, server, start, settle } = pair(offer, piece, hostKeys);
  await start();
  const texts = ['', 'a', 'b'.repeat(30_000), ...Array.from({ length: 20 }, (_, n) => `message ${n}`)];
  for (const round of [1, 2]) {
    for (const text of texts) {
      client.transport.send(message(text));
      server.transport.send(message(`${text} back`));
    }
    await settle(
      () =>
        server.messages.length === round * texts.length && client.messages.length === round * texts.length,
    );
    if (round === 1) {
      (round === 1 ? client : server).transport.rekey();
      // Sent while keys are exchanged: it waits, and comes.
    }
  }
  t.strictSame(server.messages, [...texts, ...texts].map(message));
  t.strictSame(
    client.messages,
    [...texts, ...texts].map((text) => message(`${text} back`)),
  );
  t.equal(client.keys, 2, 'the keys were exchanged anew');
  t.strictSame([client.errors, server.errors], [[], []]);
  t.same(client.transport.sessionId, server.transport.sessionId);
}

const offered = serverOffer([]);
for (const kex of offered.kex) t.test(kex, (t) => talks(t, { kex: [kex] }));
for (const cipher of offered.cipher)
  for (const mac of cipher.endsWith('-ctr') ? offered.mac : offered.mac.slice(0, 1))
    t.test(`${cipher} ${mac}`, (t) => talks(t, { cipher: [cipher], mac: [mac] }, 1000));
for (const compression of offered.compression)
  t.test(`compression ${compression}`, (t) => talks(t, { compression: [compression] }));
for (const key of KEYS)
  for (const algorithm of key.algorithms)
    t.test(`host key ${algorithm}`, (t) => talks(t, { hostKey: [algorithm] }, undefined, [key]));
t.test('byte by byte', (t) => talks(t, {}, 1));

t.test('compression that waits for the user', async (t) => {
  const { client, server, start, settle, wires } = pair({ compression: ['zlib@openssh.com'] });
  await start();
  server.transport.send(Buffer.of(Message.USERAUTH_SUCCESS));
  server.transport.authenticated();
  await settle(() => client.messages.length === 1);
  client.transport.authenticated();
  client.transport.send(message('a'.repeat(20_000)));
  t.ok(Buffer.concat(wires.client).length < 1_000, 'is compressed');
  await settle(() => server.messages.length === 1);
  t.same(server.messages[0], message('a'.repeat(20_000)));
  server.transport.rekey();
  await settle(() => client.keys === 2 && server.keys === 2);
  server.transport.send(message('b'.repeat(20_000)));
  t.ok(Buffer.concat(wires.server).length < 1_000, 'and still is with new keys');
  await settle(() => client.messages.length === 2);
});

t.test('a bomb in a compressed packet', async (t) => {
  const { client, server, start, settle } = pair({ compression: ['zlib'] });
  await start();
  client.transport.send(message('a'.repeat(2_000_000)));
  await t.rejects(
    settle(() => server.messages.length > 0),
    /maximum/,
  );
});

t.test('a packet that was changed on the way', async (t) => {
  for (const cipher of offered.cipher) {
    const { client, server, start, wires } = pair({ cipher: [cipher] });
    await start();
    client.transport.send(message('something'));
    const bytes = Buffer.concat(wires.client.splice(0));
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    t.throws(() => server.transport.receive(bytes), cipher);
  }
});

t.test('nothing in common', async (t) => {
  const { client, server } = pair();
  const other = pair({ kex: ['diffie-hellman-group1-sha1'] });
  const said: Buffer[] = [];
  other.client.transport.start();
  client.transport.start();
  server.transport.start();
  said.push(...other.wires.client);
  t.doesNotThrow(() => server.transport.receive(Buffer.concat(said)));
  const init = encodeKexInit({ ...serverOffer(['ssh-ed25519']), kex: ['diffie-hellman-group1-sha1'] }, []);
  t.throws(() => server.transport.receive(packet(init)), /no matching key exchange method found/);
});

t.test('strict key exchange: nothing else before there are keys', async (t) => {
  const strict = encodeKexInit(serverOffer(['ssh-ed25519']), ['kex-strict-c-v00@openssh.com']);
  const loose = encodeKexInit(serverOffer(['ssh-ed25519']), []);
  const ignore = packet(new WireWriter().byte(Message.IGNORE).string('x').bytes());
  const fed = (...packets: Buffer[]) => {
    const { server } = pair();
    server.transport.start();
    server.transport.receive(Buffer.from('SSH-2.0-test\r\n'));
    for (const each of packets) server.transport.receive(each);
  };
  t.throws(() => fed(ignore, packet(strict)), /before KEXINIT/);
  t.throws(() => fed(packet(strict), ignore), /in the first key exchange/);
  t.doesNotThrow(() => fed(ignore, packet(loose), ignore));
  t.throws(() => fed(packet(loose), packet(loose)), /second KEXINIT/);
  t.throws(() => fed(packet(message('early'))), /in the first key exchange/);
  t.throws(() => fed(packet(loose), packet(Buffer.of(Message.NEWKEYS))), /before there are keys/);
  t.throws(() => fed(packet(Buffer.of(Message.NEWKEYS))), /outside|before/);
  t.throws(() => fed(...Array.from({ length: 100 }, () => ignore)), /in the first key exchange/);
});

t.test('a guess at the method that was wrong', async (t) => {
  const { server, wires } = pair();
  server.transport.start();
  server.transport.receive(Buffer.from('SSH-2.0-test\r\n'));
  const init = encodeKexInit(
    { ...serverOffer(['ssh-ed25519']), kex: ['ecdh-sha2-nistp256', 'curve25519-sha256'] },
    [],
  );
  init[init.length - 5] = 1;
  server.transport.receive(packet(init));
  wires.server.splice(0);
  server.transport.receive(
    packet(new WireWriter().byte(Message.KEX_INIT).string('of another method').bytes()),
  );
  t.equal(server.errors.length, 0, 'is passed over');
});

t.test('a peer that is none', async (t) => {
  const fed = (text: string) => () => {
    const { server } = pair();
    server.transport.start();
    server.transport.receive(Buffer.from(text));
  };
  t.throws(fed('GET / HTTP/1.0\r\n\r\n'), /something else than an SSH peer/);
  t.throws(fed('SSH-1.5-old\r\n'), /another version/);
  t.throws(fed('x'.repeat(9000)), /too long/);
  const { client } = pair();
  client.transport.start();
  client.transport.receive(Buffer.from('hello\r\nthis is a banner\r\n'));
  t.doesNotThrow(() => client.transport.receive(Buffer.from('SSH-2.0-x\n')));
  t.equal(client.transport.ident, 'SSH-2.0-x');
});

t.test('goodbye', async (t) => {
  const { client, server, start, settle } = pair();
  await start();
  client.transport.disconnect(11, 'that was all');
  await settle(() => server.said.length > 0);
  t.strictSame(server.said, ['11 that was all']);
  client.transport.send(message('more'));
  client.transport.disconnect(11, 'again');
  await settle(() => true);
  t.strictSame(server.messages, []);
});

t.test('keys are exchanged anew by themselves', async (t) => {
  const { client, server, start, settle } = pair();
  await start();
  client.transport.rekeyBytes = 100_000;
  for (let n = 0; n < 30; n += 1) {
    server.transport.send(message('x'.repeat(10_000)));
    await settle(() => client.messages.length === n + 1);
  }
  t.ok(client.keys > 2, `${client.keys} times`);
});

t.test('a peer that goes on behind its KEXINIT, as AsyncSSH does', async (t) => {
  const { client, server, start, wires } = pair();
  await start();
  client.transport.send(encodeKexInit(serverOffer(['ssh-ed25519']), []));
  client.transport.send(message('behind'));
  server.transport.receive(Buffer.concat(wires.client.splice(0)));
  t.strictSame(server.messages, [message('behind')]);
  t.ok(server.transport.exchanging);
  t.strictSame(server.errors, []);
  for (let n = 0; n < 300_000 && server.errors.length === 0; n += 1) server.transport.send(message(''));
  t.match(server.errors, [/does not finish the key exchange/], 'what it makes wait is bounded');
});

/** Unencrypted. */
function packet(payload: Buffer): Buffer {
  const padding = 8 - ((payload.length + 5) % 8) + 8;
  return Buffer.concat([
    new WireWriter()
      .uint32(payload.length + 1 + padding)
      .byte(padding)
      .bytes(),
    payload,
    Buffer.alloc(padding),
  ]);
}
