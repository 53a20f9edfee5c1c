/**
 * The transport layer (RFC 4253) of one side of one connection: bytes in, messages out, and back. It owns no socket.
 *
 * While keys are exchanged nothing else may be sent, so that what is to be sent waits here: whoever feeds it stops
 * reading while `exchanging`.
 */
import { WireReader, WireWriter } from '../../../core/ssh-wire.ts';
import { SshError } from '../errors.ts';
import { Disconnect, Message } from '../numbers.ts';
import {
  type Agreed,
  EXT_INFO_CLIENT,
  type Lists,
  type Offer,
  STRICT_CLIENT,
  STRICT_SERVER,
  USER_KEYS,
} from './algorithms.ts';
import { protectionOf } from './ciphers.ts';
import { type Deflater, deflater, type Inflater, inflater } from './compression.ts';
import type { HostKey } from './host-key.ts';
import { IDENT, IdentReader } from './ident.ts';
import { Kex, type Role } from './kex.ts';
import { encodeKexInit } from './kexinit.ts';
import { PacketReader, PacketWriter } from './packets.ts';

export interface TransportOptions {
  readonly role: Role;
  readonly offer: Offer;
  /** A server's; one of each type. */
  readonly hostKeys?: readonly HostKey[];
  /** @returns where the next so many bytes go that are sent, and are so when this turn is over */
  room(length: number): Buffer;
  /** A message of a layer above; a view that is good until this returns. */
  onMessage(payload: Buffer): void;
  /** The first exchange is done, or another. */
  onKeys(first: boolean): void;
  /** A client's: the host has told which algorithms it takes signatures of users by (RFC 8308 section 3.1). */
  onSignatureAlgorithms?(names: readonly string[]): void;
  onDisconnect(reason: number, description: string): void;
  /** Nothing can go on. What is wrong with what was received is thrown by `receive`. */
  onError(error: Error): void;
}

/** RFC 4253 section 9. */
const REKEY_BYTES = 1024 ** 3;
/** RFC 4344 section 3.1. */
const REKEY_PACKETS = 2 ** 31;
/** So many a server takes in the first exchange from a peer without strict key exchange. */
const MOST_IDLE_PACKETS = 64;
/** Waits for the end of an exchange at most: what one read of the other side gave, decompressed, and answers to a peer that goes on. */
const MOST_HELD = 32 * 1024 * 1024;
/** Of a short message that is kept, about. */
const HELD_BYTES = 128;

export class Transport {
  readonly #options: TransportOptions;
  readonly #own = Buffer.from(IDENT);
  #ident: IdentReader | null;
  #theirIdent: Buffer = Buffer.alloc(0);
  readonly #writer: PacketWriter;
  readonly #reader = new PacketReader();
  #deflater: Deflater | null = null;
  #inflater: Inflater | null = null;
  #kex: Kex | null = null;
  #sessionId: Buffer | null = null;
  #hostKey: Buffer | null = null;
  #agreed: Agreed | null = null;
  #theirs: Lists | null = null;
  #strict = false;
  #authenticated = false;
  #closed = false;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #idle = 0;
  #bytes = 0;
  #packets = 0;
  /** Bytes after which the keys are exchanged anew. */
  rekeyBytes = REKEY_BYTES;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#ident = new IdentReader(options.role === 'client');
    this.#writer = new PacketWriter((length) => options.room(length));
  }

  start(): void {
    const line = Buffer.concat([this.#own, CRLF]);
    line.copy(this.#options.room(line.length));
  }

  /** Keys are being exchanged: what is sent waits. */
  get exchanging(): boolean {
    return this.#kex !== null;
  }

  /** The first exchange's hash. @throws SshError before its end */
  get sessionId(): Buffer {
    if (this.#sessionId === null) throw broken('a message before there are keys');
    return this.#sessionId;
  }

  /** The host's key or certificate, which has proved itself; a client's. */
  get hostKey(): Buffer {
    if (this.#hostKey === null) throw broken('a message before there are keys');
    return this.#hostKey;
  }

  /** What the last exchange agreed on, and what the peer had offered. */
  get negotiated(): { readonly agreed: Agreed; readonly theirs: Lists } {
    if (this.#agreed === null || this.#theirs === null) throw broken('a message before there are keys');
    return { agreed: this.#agreed, theirs: this.#theirs };
  }

  get ident(): string {
    return this.#theirIdent.toString('latin1');
  }

  /** @throws SshError, WireError, or the cipher's Error: the connection is of no use any more */
  receive(chunk: Buffer): void {
    if (this.#closed) return;
    this.#bytes += chunk.length;
    let data = chunk;
    if (this.#ident !== null) {
      const ident = this.#ident.push(chunk);
      if (ident === null) return;
      this.#ident = null;
      this.#theirIdent = ident.line;
      this.#beginKex();
      data = ident.rest;
    }
    this.#reader.read(data, this.#take);
    if (this.#bytes >= this.rekeyBytes || this.#packets >= REKEY_PACKETS) this.rekey();
  }

  /** Sends a message, or has it wait for the end of a key exchange. */
  send(payload: Buffer): void {
    if (this.#closed) return;
    if (this.#kex !== null) this.#hold(payload);
    else this.#encrypt(payload);
  }

  /** Exchanges the keys anew, unless that is under way. */
  rekey(): void {
    if (this.#kex === null && this.#sessionId !== null && !this.#closed) this.#beginKex();
  }

  /** The user is known: compression that waited for that begins with the next packet (`zlib@openssh.com`). */
  authenticated(): void {
    this.#authenticated = true;
    if (this.#agreed === null) return;
    const { outbound, inbound } = this.#directions();
    if (this.#agreed.compression[outbound] === DELAYED) this.#deflater ??= deflater();
    if (this.#agreed.compression[inbound] === DELAYED) this.#inflater ??= inflater();
  }

  /** Says goodbye; nothing more is sent or taken. */
  disconnect(reason: number, description: string): void {
    if (this.#closed) return;
    const message = new WireWriter().byte(Message.DISCONNECT).uint32(reason).string(description).string('');
    this.#encrypt(message.bytes());
    this.close();
  }

  /** Lets go of what is native. Nothing more is sent or taken. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#held = [];
    this.#writer.free();
    this.#reader.free();
    this.#deflater?.cleanup();
    this.#inflater?.cleanup();
  }

  #hold(payload: Buffer): void {
    this.#held.push(Buffer.from(payload));
    this.#heldBytes += payload.length + HELD_BYTES;
    if (this.#heldBytes <= MOST_HELD) return;
    this.#held = [];
    this.#heldBytes = 0;
    this.#options.onError(broken('it goes on, and does not finish the key exchange'));
  }

  #directions() {
    return this.#options.role === 'client'
      ? ({ outbound: 'clientToServer', inbound: 'serverToClient' } as const)
      : ({ outbound: 'serverToClient', inbound: 'clientToServer' } as const);
  }

  #encrypt(payload: Buffer): void {
    const body = this.#deflater === null ? payload : this.#deflater.write(payload);
    this.#bytes += body.length;
    this.#packets += 1;
    this.#writer.write(body);
  }

  #beginKex(): Kex {
    const { role, offer } = this.#options;
    const first = this.#sessionId === null;
    const markers =
      role === 'client' ? [EXT_INFO_CLIENT, ...(first ? [STRICT_CLIENT] : [])] : first ? [STRICT_SERVER] : [];
    const sent = encodeKexInit(offer, markers);
    this.#kex = new Kex(role, offer, sent);
    this.#encrypt(sent);
    return this.#kex;
  }

  /** @returns whether there may be more */
  readonly #take = (packet: Buffer): boolean => {
    this.#took(packet);
    return !this.#closed;
  };

  #took(packet: Buffer): void {
    this.#packets += 1;
    const payload = this.#inflater === null ? packet : this.#inflater.read(packet);
    const type = payload[0];
    if (type === undefined) throw broken('an empty packet');
    if (type >= Message.KEXINIT && type < Message.USERAUTH_REQUEST) {
      this.#takeKex(type, payload);
      return;
    }
    // In a later exchange AsyncSSH sends on behind its KEXINIT, which it may not (RFC 4253 section 7.1); sshd takes that too.
    if (this.#sessionId === null) this.#allowBeforeKeys(type);
    switch (type) {
      case Message.DISCONNECT: {
        const reader = new WireReader(payload, 1);
        this.#options.onDisconnect(reader.uint32(), reader.string().toString());
        return;
      }
      case Message.IGNORE:
      case Message.UNIMPLEMENTED:
      case Message.DEBUG:
        return;
      case Message.EXT_INFO:
        this.#extInfo(payload);
        return;
      default:
        if (type > Message.EXT_INFO && type < Message.KEXINIT) this.#unimplemented();
        else this.#options.onMessage(payload);
    }
  }

  /** Terrapin (CVE-2023-48795): what is not of the exchange shifts the numbers of those that follow. */
  #allowBeforeKeys(type: number): void {
    if (type === Message.DISCONNECT) return;
    this.#idle += 1;
    if (this.#strict || type > Message.DEBUG || this.#idle > MOST_IDLE_PACKETS)
      throw broken(`message ${type} in the first key exchange`);
  }

  #takeKex(type: number, payload: Buffer): void {
    if (type === Message.KEXINIT) {
      const kex = this.#kex ?? this.#beginKex();
      const next = kex.takeKexInit(payload);
      this.#judgeStrict(kex);
      if (next !== null) this.#encrypt(next);
      return;
    }
    const kex = this.#kex;
    if (kex === null) throw broken(`message ${type} outside a key exchange`);
    if (type === Message.NEWKEYS) {
      this.#switchInbound(kex);
      return;
    }
    if (kex.skip) {
      kex.skip = false;
      return;
    }
    const idents = this.#idents();
    if (this.#options.role === 'client') {
      const hostKey = kex.finish(payload, idents);
      if (this.#hostKey !== null && !this.#hostKey.equals(hostKey))
        throw new SshError(Disconnect.HOST_KEY_NOT_VERIFIABLE, 'the host has come with another key');
      this.#hostKey = hostKey;
      this.#switchOutbound(kex);
      return;
    }
    const { hostKeys = [] } = this.#options;
    const hostKey = hostKeys.find(({ algorithms }) => algorithms.includes(kex.agreed.hostKey));
    if (hostKey === undefined) throw broken('no host key of the type that was agreed');
    kex.answer(payload, idents, hostKey).then(
      (reply) => {
        if (this.#closed) return;
        this.#encrypt(reply);
        this.#switchOutbound(kex);
      },
      (error: Error) => this.#options.onError(error),
    );
    return;
  }

  #judgeStrict(kex: Kex): void {
    if (this.#sessionId !== null) return;
    const marker = this.#options.role === 'client' ? STRICT_SERVER : STRICT_CLIENT;
    this.#strict = kex.theirs?.kex.includes(marker) ?? false;
    if (this.#strict && this.#reader.seqno !== 1)
      throw broken('something before KEXINIT in a strict key exchange');
  }

  #idents() {
    return this.#options.role === 'client'
      ? { client: this.#own, server: this.#theirIdent }
      : { client: this.#theirIdent, server: this.#own };
  }

  #switchOutbound(kex: Kex): void {
    this.#encrypt(Buffer.of(Message.NEWKEYS));
    kex.sentNewKeys = true;
    const { outbound } = this.#directions();
    const keys = kex.keys(outbound, this.#sessionId ?? kex.exchangeHash);
    this.#writer.protect(protectionOf(keys, true));
    if (this.#strict) this.#writer.seqno = 0;
    this.#deflater?.cleanup();
    this.#deflater = this.#compresses(kex.agreed.compression[outbound]) ? deflater() : null;
  }

  #switchInbound(kex: Kex): void {
    if (!kex.hasKeys || !kex.sentNewKeys) throw broken('NEWKEYS before there are keys');
    const { inbound } = this.#directions();
    const first = this.#sessionId === null;
    this.#sessionId ??= kex.exchangeHash;
    this.#reader.protect(protectionOf(kex.keys(inbound, this.#sessionId), false));
    if (this.#strict) this.#reader.seqno = 0;
    this.#inflater?.cleanup();
    this.#inflater = this.#compresses(kex.agreed.compression[inbound]) ? inflater() : null;
    this.#agreed = kex.agreed;
    this.#theirs = kex.theirs;
    this.#kex = null;
    this.#bytes = 0;
    this.#packets = 0;
    if (first && this.#options.role === 'server' && kex.theirs?.kex.includes(EXT_INFO_CLIENT))
      this.#encrypt(SERVER_SIG_ALGS);
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const payload of held) this.send(payload);
    this.#options.onKeys(first);
  }

  #compresses(method: string): boolean {
    return method === 'zlib' || (method === DELAYED && this.#authenticated);
  }

  #extInfo(payload: Buffer): void {
    const reader = new WireReader(payload, 1);
    for (let left = reader.uint32(); left > 0; left--) {
      const [name, value] = [reader.string().toString('latin1'), reader.string().toString('latin1')];
      if (name === 'server-sig-algs') this.#options.onSignatureAlgorithms?.(value.split(','));
    }
  }

  #unimplemented(): void {
    const seqno = (this.#reader.seqno - 1) >>> 0;
    this.send(new WireWriter().byte(Message.UNIMPLEMENTED).uint32(seqno).bytes());
  }
}

const CRLF = Buffer.from('\r\n');
/** RFC 8308 section 3.1: clients do not offer what they may not sign by. */
const SERVER_SIG_ALGS = new WireWriter()
  .byte(Message.EXT_INFO)
  .uint32(1)
  .string('server-sig-algs')
  .names(USER_KEYS)
  .bytes();
const DELAYED = 'zlib@openssh.com';

function broken(what: string): SshError {
  return new SshError(Disconnect.PROTOCOL_ERROR, `broke the protocol: ${what}`);
}
