/** aes128-gcm@openssh.com and aes256-gcm@openssh.com: RFC 5647, but for how they are negotiated. */
import { Cipher, TAG } from './openssl.ts';
import type { Protection } from './protection.ts';

/** RFC 5647 section 7.1: the IV's last 8 bytes count the packets. */
const COUNTER_HIGH = 4;
const COUNTER_LOW = 8;

export class Gcm implements Protection {
  readonly block = 16;
  readonly countsLength = false;
  readonly lead = 4;
  readonly tag = TAG;
  readonly #cipher: Cipher;
  readonly #iv: Buffer;

  constructor(name: string, key: Buffer, iv: Buffer, seals: boolean) {
    this.#iv = Buffer.from(iv);
    this.#cipher = new Cipher(name, key, iv, seals);
  }

  seal(packet: Buffer, length: number): void {
    this.#begin(packet, 0);
    this.#cipher.update(packet, 4, length);
    this.#cipher.writeTag(packet, 4 + length);
  }

  length(data: Buffer, at: number): number {
    return data.readUInt32BE(at);
  }

  open(data: Buffer, at: number, length: number): boolean {
    this.#begin(data, at);
    this.#cipher.update(data, at + 4, length);
    return this.#cipher.isTag(data, at + 4 + length);
  }

  free(): void {
    this.#cipher.free();
  }

  #begin(data: Buffer, at: number): void {
    const iv = this.#iv;
    this.#cipher.restart(iv);
    this.#cipher.associate(data, at, 4);
    const low = (iv.readUInt32BE(COUNTER_LOW) + 1) >>> 0;
    iv.writeUInt32BE(low, COUNTER_LOW);
    if (low === 0) iv.writeUInt32BE((iv.readUInt32BE(COUNTER_HIGH) + 1) >>> 0, COUNTER_HIGH);
  }
}
