/** The packet ciphers as ssh2 has them and packets.ts readies them: what one makes the other reads, however it is cut. */
import { createHash, KeyObject } from 'node:crypto';
import t from 'tap';
import { cipherFor, type DirectionKeys, decipherFor } from '../../../src/protocols/ssh/transport/packets.ts';

const derive = (purpose: string, length: number): Buffer =>
  createHash('sha512').update(purpose).digest().subarray(0, length);
const keysOf = (cipher: string): DirectionKeys => ({ cipher, mac: 'hmac-sha2-256', seqno: 3, derive });

const CIPHERS = ['chacha20-poly1305@openssh.com', 'aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'];

for (const name of [...CIPHERS, 'aes128-ctr'])
  t.test(name, async (t) => {
    const written: Buffer[] = [];
    const cipher = cipherFor(keysOf(name), (bytes) => written.push(bytes));
    const sent = [1, 100, 32_768].map((length) => Buffer.alloc(length, length & 0xff));
    for (const payload of sent) {
      const packet = cipher.allocPacket(payload.length);
      packet.set(payload, 5);
      cipher.encrypt(packet);
    }
    const bytes = Buffer.concat(written);
    for (const size of [1, 1000, bytes.length]) {
      const got: Buffer[] = [];
      const decipher = decipherFor(keysOf(name), (payload) => {
        got.push(Buffer.from(payload));
        return undefined;
      });
      for (let at = 0; at < bytes.length; at += size) {
        const piece = Buffer.from(bytes.subarray(at, at + size));
        decipher.decrypt(piece, 0, piece.length);
      }
      t.same(got, sent, `in pieces of ${size}`);
    }
  });

t.test('no cipher that makes others of its key has that as bytes', async (t) => {
  for (const name of CIPHERS) {
    const made = [
      cipherFor(keysOf(name), () => {}),
      decipherFor(keysOf(name), () => undefined),
    ] as unknown[] as Record<string, unknown>[];
    for (const each of made) {
      const kept = Object.entries(each).filter(([field]) => /key/i.test(field));
      t.ok(kept.length > 0, `${name} has keys`);
      for (const [field, key] of kept) t.type(key, KeyObject, `${name} ${field}`);
    }
  }
});
