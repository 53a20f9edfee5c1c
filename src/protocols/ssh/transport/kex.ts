/** One key exchange, from KEXINIT to NEWKEYS: what was said, what is agreed, which keys come of it. */
import { createHash } from 'node:crypto';
import { WireReader, WireWriter, wireString } from '../../../core/ssh-wire.ts';
import { SshError } from '../errors.ts';
import { Disconnect, Message } from '../numbers.ts';
import type { Agreed, Offer } from './algorithms.ts';
import { agree } from './algorithms.ts';
import { type Exchange, exchangeFor } from './exchange.ts';
import { checkHostSignature, type HostKey } from './host-key.ts';
import { decodeKexInit, type KexInit } from './kexinit.ts';
import type { DirectionKeys } from './protection.ts';

export type Role = 'client' | 'server';
type Direction = 'clientToServer' | 'serverToClient';

/** What is said before the exchange, and hashed. */
export interface Idents {
  readonly client: Buffer;
  readonly server: Buffer;
}

interface Secrets {
  readonly hash: string;
  readonly secret: Buffer;
  readonly exchangeHash: Buffer;
}

export class Kex {
  readonly #role: Role;
  readonly #offer: Offer;
  /** Our own KEXINIT. */
  readonly sent: Buffer;
  #received: Buffer | null = null;
  #theirs: KexInit | null = null;
  #agreed: Agreed | null = null;
  #exchange: Exchange | null = null;
  #init: Buffer = Buffer.alloc(0);
  #secrets: Secrets | null = null;
  /** The next packet was a wrong guess. */
  skip = false;
  sentNewKeys = false;

  constructor(role: Role, offer: Offer, sent: Buffer) {
    this.#role = role;
    this.#offer = offer;
    this.sent = sent;
  }

  get theirs(): KexInit | null {
    return this.#theirs;
  }

  get agreed(): Agreed {
    if (this.#agreed === null) throw early('keys');
    return this.#agreed;
  }

  get exchangeHash(): Buffer {
    return this.#known().exchangeHash;
  }

  /** @returns what the client sends at once, or null. @throws SshError, WireError */
  takeKexInit(payload: Buffer): Buffer | null {
    if (this.#theirs !== null) throw early('a second KEXINIT');
    this.#received = Buffer.from(payload);
    const theirs = decodeKexInit(this.#received);
    const own = decodeKexInit(this.sent);
    const [client, server] = this.#role === 'client' ? [own, theirs] : [theirs, own];
    this.#theirs = theirs;
    this.#agreed = agree(client, server);
    this.#exchange = exchangeFor(this.#agreed.kex);
    this.skip =
      theirs.firstKexPacketFollows &&
      (theirs.kex[0] !== this.#offer.kex[0] || theirs.hostKey[0] !== this.#offer.hostKey[0]);
    if (this.#role === 'server') return null;
    this.#init = this.#exchange.init();
    return new WireWriter().byte(Message.KEX_INIT).string(this.#init).bytes();
  }

  /** The server's step. @returns KEX_REPLY. @throws SshError, WireError */
  async answer(payload: Buffer, idents: Idents, hostKey: HostKey): Promise<Buffer> {
    const exchange = this.#step('server', payload[0] === Message.KEX_INIT);
    const init = Buffer.from(new WireReader(payload, 1).string());
    const { reply, secret } = exchange.reply(init);
    const exchangeHash = this.#hash(exchange.hash, idents, [hostKey.publicKey, init, reply], secret);
    const signature = await hostKey.sign(this.agreed.hostKey, exchangeHash);
    this.#secrets = { hash: exchange.hash, secret, exchangeHash };
    return new WireWriter()
      .byte(Message.KEX_REPLY)
      .string(hostKey.publicKey)
      .string(reply)
      .string(signature)
      .bytes();
  }

  /** The client's step. @returns the host's key, which has signed. @throws SshError, WireError */
  finish(payload: Buffer, idents: Idents): Buffer {
    const exchange = this.#step('client', payload[0] === Message.KEX_REPLY);
    const reader = new WireReader(payload, 1);
    const hostKey = Buffer.from(reader.string());
    const reply = Buffer.from(reader.string());
    const signature = reader.string();
    const { secret } = exchange.finish(reply);
    const exchangeHash = this.#hash(exchange.hash, idents, [hostKey, this.#init, reply], secret);
    checkHostSignature(this.agreed.hostKey, hostKey, exchangeHash, signature);
    this.#secrets = { hash: exchange.hash, secret, exchangeHash };
    return hostKey;
  }

  /** RFC 4253 section 7.2. */
  keys(direction: Direction, sessionId: Buffer): DirectionKeys {
    const { hash, secret, exchangeHash } = this.#known();
    const letters = LETTERS[direction];
    return {
      cipher: this.agreed.cipher[direction],
      mac: this.agreed.mac[direction],
      derive(purpose, length) {
        const begin = createHash(hash).update(secret).update(exchangeHash).update(letters[purpose]);
        let key = begin.update(sessionId).digest();
        while (key.length < length) {
          const more = createHash(hash).update(secret).update(exchangeHash).update(key).digest();
          key = Buffer.concat([key, more]);
        }
        return key.subarray(0, length);
      },
    };
  }

  get hasKeys(): boolean {
    return this.#secrets !== null;
  }

  #known(): Secrets {
    if (this.#secrets === null) throw early('NEWKEYS');
    return this.#secrets;
  }

  /** The method, once: the second message of it is one too many. */
  #step(role: Role, expected: boolean): Exchange {
    const exchange = this.#exchange;
    if (!expected || role !== this.#role || exchange === null) throw early('a message of the key exchange');
    this.#exchange = null;
    return exchange;
  }

  #hash(name: string, idents: Idents, said: readonly Buffer[], secret: Buffer): Buffer {
    const received = this.#received ?? Buffer.alloc(0);
    const [client, server] = this.#role === 'client' ? [this.sent, received] : [received, this.sent];
    const hash = createHash(name);
    for (const part of [idents.client, idents.server, client, server, ...said]) hash.update(wireString(part));
    return hash.update(secret).digest();
  }
}

const LETTERS: Readonly<Record<Direction, Readonly<Record<'iv' | 'key' | 'mac', string>>>> = {
  clientToServer: { iv: 'A', key: 'C', mac: 'E' },
  serverToClient: { iv: 'B', key: 'D', mac: 'F' },
};

function early(what: string): SshError {
  return new SshError(Disconnect.KEY_EXCHANGE_FAILED, `${what} at a moment when it cannot be`);
}
