/** Packets as ssh2 makes and reads them beside ours: what one makes the other reads, however it is cut. */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import t from 'tap';
import { serverOffer } from '../../../src/protocols/ssh/transport/algorithms.ts';
import { authenticates, protectionOf } from '../../../src/protocols/ssh/transport/ciphers.ts';
import { Cipher, poly1305 } from '../../../src/protocols/ssh/transport/openssl.ts';
import { PacketReader, PacketWriter } from '../../../src/protocols/ssh/transport/packets.ts';
import type { DirectionKeys } from '../../../src/protocols/ssh/transport/protection.ts';

interface Theirs {
  readonly CIPHER_INFO: Readonly<Record<string, { keyLen: number; ivLen: number }>>;
  readonly MAC_INFO: Readonly<Record<string, { len: number }>>;
  readonly init: Promise<unknown>;
  createCipher(config: object): { allocPacket(length: number): Buffer; encrypt(packet: Buffer): void };
  createDecipher(config: object): { decrypt(data: Buffer, at: number, end: number): number | undefined };
}

const ssh2 = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js') as Theirs;
await ssh2.init;

const SEQNO = 0xffff_fffe;
const derive = (purpose: string, length: number): Buffer =>
  Buffer.concat([
    createHash('sha512').update(purpose).digest(),
    createHash('sha512').update(`${purpose}2`).digest(),
  ]).subarray(0, length);
const keysOf = (cipher: string, mac: string): DirectionKeys => ({ cipher, mac, derive });

function theirs(cipher: string, mac: string, direction: 'inbound' | 'outbound', on: object): object {
  const info = ssh2.CIPHER_INFO[cipher];
  const macInfo = ssh2.MAC_INFO[mac];
  if (info === undefined || macInfo === undefined) throw new Error(cipher);
  const prefix = direction === 'inbound' ? 'decipher' : 'cipher';
  return {
    [direction]: {
      ...{ seqno: SEQNO, [`${prefix}Info`]: info, macInfo, macKey: derive('mac', macInfo.len), ...on },
      ...{ [`${prefix}IV`]: derive('iv', info.ivLen), [`${prefix}Key`]: derive('key', info.keyLen) },
    },
  };
}

const PAYLOADS = [1, 100, 32_768, 11, 12, 13].map((length) => Buffer.alloc(length, length & 0xff));

function sealed(cipher: string, mac: string): Buffer {
  const made: Buffer[] = [];
  const writer = new PacketWriter((length) => {
    const packet = Buffer.alloc(length);
    made.push(packet);
    return packet;
  });
  writer.protect(protectionOf(keysOf(cipher, mac), true));
  writer.seqno = SEQNO;
  for (const payload of PAYLOADS) writer.write(payload);
  writer.free();
  return Buffer.concat(made);
}

function sealedByTheirs(cipher: string, mac: string): Buffer {
  const made: Buffer[] = [];
  const onWrite = (bytes: Buffer) => made.push(Buffer.from(bytes));
  const sealer = ssh2.createCipher(theirs(cipher, mac, 'outbound', { onWrite }));
  for (const payload of PAYLOADS) {
    const packet = sealer.allocPacket(payload.length);
    packet.set(payload, 5);
    sealer.encrypt(packet);
  }
  return Buffer.concat(made);
}

/** @param size of the pieces in which they come */
function opened(cipher: string, mac: string, bytes: Buffer, size: number): Buffer[] {
  const got: Buffer[] = [];
  const reader = new PacketReader();
  reader.protect(protectionOf(keysOf(cipher, mac), false));
  reader.seqno = SEQNO;
  for (let at = 0; at < bytes.length; at += size)
    reader.read(Buffer.from(bytes.subarray(at, at + size)), (payload) => {
      got.push(Buffer.from(payload));
      return true;
    });
  reader.free();
  return got;
}

const offered = serverOffer([]);
const ciphers = [...offered.cipher, 'aes128-cbc', 'aes192-cbc', 'aes256-cbc', '3des-cbc'];
for (const cipher of ciphers)
  for (const mac of authenticates(cipher) ? offered.mac.slice(0, 1) : offered.mac)
    t.test(`${cipher} ${mac}`, async (t) => {
      const ours = sealed(cipher, mac);
      const got: Buffer[] = [];
      const decipher = ssh2.createDecipher(
        theirs(cipher, mac, 'inbound', {
          onPayload: (payload: Buffer) => void got.push(Buffer.from(payload)),
        }),
      );
      const copy = Buffer.from(ours);
      decipher.decrypt(copy, 0, copy.length);
      t.same(got, PAYLOADS, 'ssh2 reads it');
      const bytes = sealedByTheirs(cipher, mac);
      for (const size of [1, 5, 1000, bytes.length])
        t.same(opened(cipher, mac, bytes, size), PAYLOADS, `ssh2 makes it; in pieces of ${size}`);
      for (const at of [0, 4, 5, 60, bytes.length - 1]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 0x80;
        t.throws(
          () =>
            t.not(
              opened(cipher, mac, changed, 1000).length,
              PAYLOADS.length,
              'a length that says there is more',
            ),
          /authentic|a packet of|padded/,
          `changed at ${at}`,
        );
      }
    });

t.test('a length that cannot be', async (t) => {
  for (const length of [0, 1, 4, 11, 262_148, 0x7fff_fff4, 0xffff_fffc]) {
    const packet = Buffer.alloc(64);
    packet.writeUInt32BE(length);
    t.throws(() => new PacketReader().read(packet, () => true), /a packet of/, `${length}`);
  }
  const all = Buffer.alloc(16, 12);
  all.writeUInt32BE(12);
  t.throws(() => new PacketReader().read(all, () => true), /padded/, 'padding alone');
});

t.test('nothing outside of a buffer is touched', async (t) => {
  const cipher = new Cipher('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16), true);
  const data = Buffer.alloc(10);
  t.throws(() => cipher.update(data, 0, 11), RangeError);
  t.throws(() => cipher.update(data, -1, 5), RangeError);
  t.throws(() => cipher.update(data, 8, 3), RangeError);
  t.throws(() => cipher.restart(Buffer.alloc(15)), RangeError);
  t.throws(() => new Cipher('aes-128-ctr', Buffer.alloc(15), Buffer.alloc(16), true), RangeError);
  t.throws(() => new Cipher('aes-128-xyz', Buffer.alloc(16), Buffer.alloc(16), true), /no cipher/);
  t.throws(() => poly1305(Buffer.alloc(15), Buffer.alloc(32), data, 0, 10), RangeError);
  t.throws(() => poly1305(Buffer.alloc(16), Buffer.alloc(31), data, 0, 10), RangeError);
  cipher.free();
  cipher.free();
  t.throws(() => cipher.update(data, 0, 1), /let go/);
});

t.test('RFC 8439 section 2.5.2', async (t) => {
  const key = Buffer.from('85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b', 'hex');
  const text = Buffer.from('Cryptographic Forum Research Group');
  const tag = Buffer.alloc(16);
  poly1305(tag, key, text, 0, text.length);
  t.equal(tag.toString('hex'), 'a8061dc1305136c6c22b8baf0c0127a9');
});
