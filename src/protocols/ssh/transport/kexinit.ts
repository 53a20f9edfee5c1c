/** SSH_MSG_KEXINIT (RFC 4253 section 7.1). */
import { randomBytes } from 'node:crypto';
import { WireReader, WireWriter } from '../../../core/ssh-wire.ts';
import { Message } from '../numbers.ts';
import type { Lists, Offer } from './algorithms.ts';

const COOKIE = 16;

export interface KexInit extends Lists {
  /** The packet that follows is of a method that the sender guessed. */
  readonly firstKexPacketFollows: boolean;
}

/** @param markers sent behind the methods */
export function encodeKexInit(offer: Offer, markers: readonly string[]): Buffer {
  return new WireWriter()
    .byte(Message.KEXINIT)
    .raw(randomBytes(COOKIE))
    .names([...offer.kex, ...markers])
    .names(offer.hostKey)
    .names(offer.cipher)
    .names(offer.cipher)
    .names(offer.mac)
    .names(offer.mac)
    .names(offer.compression)
    .names(offer.compression)
    .names([])
    .names([])
    .boolean(false)
    .uint32(0)
    .bytes();
}

/** @throws WireError */
export function decodeKexInit(payload: Buffer): KexInit {
  const reader = new WireReader(payload, 1 + COOKIE);
  const [kex, hostKey] = [reader.names(), reader.names()];
  const both = () => ({ clientToServer: reader.names(), serverToClient: reader.names() });
  const [cipher, mac, compression] = [both(), both(), both()];
  both(); // languages
  return { kex, hostKey, cipher, mac, compression, firstKexPacketFollows: reader.boolean() };
}
