/** Ciphers with a MAC beside them: of what is encrypted (RFC 4253 section 6.4), or of what became of it (OpenSSH's `-etm`). */
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { Cipher } from './openssl.ts';
import type { Protection } from './protection.ts';

export interface MacParts {
  readonly hash: string;
  /** Of the MAC, and of its key. */
  readonly length: number;
  readonly macKey: Buffer;
  readonly block: number;
}

const number = Buffer.alloc(4);

class Mac {
  readonly #hash: string;
  readonly #key: KeyObject;

  constructor(hash: string, key: Buffer) {
    this.#hash = hash;
    this.#key = createSecretKey(key);
  }

  of(seqno: number, data: Buffer, at: number, length: number): Buffer {
    number.writeUInt32BE(seqno);
    return createHmac(this.#hash, this.#key)
      .update(number)
      .update(data.subarray(at, at + length))
      .digest();
  }

  fits(seqno: number, data: Buffer, at: number, length: number): boolean {
    const mac = this.of(seqno, data, at, length);
    return timingSafeEqual(mac, data.subarray(at + length, at + length + mac.length));
  }
}

/** What both ways have. */
class WithMac {
  readonly block: number;
  readonly tag: number;
  protected readonly cipher: Cipher;
  protected readonly mac: Mac;

  constructor(
    { hash, length, macKey, block }: MacParts,
    name: string,
    key: Buffer,
    iv: Buffer,
    seals: boolean,
  ) {
    this.block = block;
    this.tag = length;
    this.mac = new Mac(hash, macKey);
    this.cipher = new Cipher(name, key, iv, seals);
  }

  free(): void {
    this.cipher.free();
  }
}

export class EncryptThenMac extends WithMac implements Protection {
  readonly countsLength = false;
  readonly lead = 4;

  seal(packet: Buffer, length: number, seqno: number): void {
    this.cipher.update(packet, 4, length);
    packet.set(this.mac.of(seqno, packet, 0, 4 + length), 4 + length);
  }

  length(data: Buffer, at: number): number {
    return data.readUInt32BE(at);
  }

  open(data: Buffer, at: number, length: number, seqno: number): boolean {
    if (!this.mac.fits(seqno, data, at, 4 + length)) return false;
    this.cipher.update(data, at + 4, length);
    return true;
  }
}

export class EncryptAndMac extends WithMac implements Protection {
  readonly countsLength = true;

  /** The length is within the first block. */
  get lead(): number {
    return this.block;
  }

  seal(packet: Buffer, length: number, seqno: number): void {
    packet.set(this.mac.of(seqno, packet, 0, 4 + length), 4 + length);
    this.cipher.update(packet, 0, 4 + length);
  }

  /** Decrypts the first block. */
  length(data: Buffer, at: number): number {
    this.cipher.update(data, at, this.lead);
    return data.readUInt32BE(at);
  }

  open(data: Buffer, at: number, length: number, seqno: number): boolean {
    this.cipher.update(data, at + this.lead, 4 + length - this.lead);
    return this.mac.fits(seqno, data, at, 4 + length);
  }
}
