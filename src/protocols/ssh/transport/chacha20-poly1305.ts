/** chacha20-poly1305@openssh.com: OpenSSH's PROTOCOL.chacha20poly1305. */
import { timingSafeEqual } from 'node:crypto';
import { Cipher, poly1305, TAG } from './openssl.ts';
import type { Protection } from './protection.ts';

const KEY = 32;
/** One of ChaCha20's. The key of Poly1305 is the beginning of the first; what is encrypted begins with the second. */
const BLOCK = 64;

/** OpenSSL's IV: a block's number (u64, little-endian), then the nonce, which is the packet's number (u64). */
const iv = Buffer.alloc(16);
const NONCE_LOW = 12;
const first = Buffer.alloc(BLOCK);
const scratch = Buffer.alloc(4);
const tag = Buffer.alloc(TAG);

export class ChaChaPoly implements Protection {
  readonly block = 8;
  readonly countsLength = false;
  readonly lead = 4;
  readonly tag = TAG;
  readonly #main: Cipher;
  readonly #lengths: Cipher;

  constructor(key: Buffer, seals: boolean) {
    iv.fill(0);
    this.#main = new Cipher('chacha20', key.subarray(0, KEY), iv, seals);
    this.#lengths = new Cipher('chacha20', key.subarray(KEY), iv, seals);
  }

  seal(packet: Buffer, length: number, seqno: number): void {
    this.#begin(seqno);
    this.#lengths.restart(iv);
    this.#lengths.update(packet, 0, 4);
    this.#main.update(packet, 4, length);
    poly1305(tag, first, packet, 0, 4 + length);
    packet.set(tag, 4 + length);
  }

  length(data: Buffer, at: number, seqno: number): number {
    // As it came it is authenticated.
    data.copy(scratch, 0, at, at + 4);
    iv.writeUInt32BE(seqno, NONCE_LOW);
    this.#lengths.restart(iv);
    this.#lengths.update(scratch, 0, 4);
    return scratch.readUInt32BE(0);
  }

  open(data: Buffer, at: number, length: number, seqno: number): boolean {
    this.#begin(seqno);
    const end = at + 4 + length;
    poly1305(tag, first, data, at, 4 + length);
    if (!timingSafeEqual(tag, data.subarray(end, end + TAG))) return false;
    this.#main.update(data, at + 4, length);
    return true;
  }

  free(): void {
    this.#main.free();
    this.#lengths.free();
  }

  #begin(seqno: number): void {
    iv.writeUInt32BE(seqno, NONCE_LOW);
    this.#main.restart(iv);
    first.fill(0);
    this.#main.update(first, 0, BLOCK);
  }
}
