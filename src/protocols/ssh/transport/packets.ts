/**
 * The only file that touches ssh2's inside: its packet ciphers and its packet-wise compression. Written for ssh2 1.17.0, which is pinned exactly.
 *
 * ssh2's own `Client`, `Server` and `Protocol` are not used. They have no post-quantum key exchange and no host
 * certificates, answer unknown requests themselves in place of the other end, keep windows of their own (so that bytes wait
 * here), queue without bound while keys are exchanged, and sign user certificates by the wrong name.
 */
import { createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** Takes payloads in packets of its own making. */
export interface PacketCipher {
  outSeqno: number;
  /** A packet with room for the payload, which belongs at offset 5. */
  allocPacket(payloadLength: number): Buffer;
  /** In place; the bytes go to `onWrite`. */
  encrypt(packet: Buffer): void;
  free(): void;
}

export interface PacketDecipher {
  inSeqno: number;
  /**
   * Gives each payload to `onPayload`: a view of `data` or of the decipher's own buffer.
   * @returns undefined when all is taken, else where the next decipher has to go on
   * @throws Error for a packet that is too long, or not authentic
   */
  decrypt(data: Buffer, at: number, end: number): number | undefined;
  free(): void;
}

interface CipherInfo {
  readonly keyLen: number;
  readonly ivLen: number;
  /** 0: needs a MAC beside it. */
  readonly authLen: number;
}

interface MacInfo {
  readonly len: number;
}

/** What the key exchange gives for one direction. */
export interface DirectionKeys {
  readonly cipher: string;
  /** Ignored by ciphers that authenticate by themselves. */
  readonly mac: string;
  readonly seqno: number;
  /** @param letter `iv`, `key` or `mac`: which of the derived values */
  derive(purpose: 'iv' | 'key' | 'mac', length: number): Buffer;
}

/** Returns false to stop after this payload: another decipher goes on. */
export type OnPayload = (payload: Buffer) => false | undefined;

const crypto = withLongerPackets('ssh2/lib/protocol/crypto.js') as {
  readonly CIPHER_INFO: Readonly<Record<string, CipherInfo>>;
  readonly MAC_INFO: Readonly<Record<string, MacInfo>>;
  readonly bindingAvailable: boolean;
  readonly init: Promise<unknown>;
  readonly NullCipher: new (seqno: number, onWrite: (bytes: Buffer) => void) => PacketCipher;
  readonly NullDecipher: new (seqno: number, onPayload: OnPayload) => PacketDecipher;
  createCipher(config: { outbound: object }): PacketCipher;
  createDecipher(config: { inbound: object }): PacketDecipher;
};
const zlib = require('ssh2/lib/protocol/zlib.js') as {
  readonly ZlibPacketReader: new () => Inflater & { readonly _zlib: { _maxOutputLength: number } };
  readonly ZlibPacketWriter: new (
    protocol: object,
  ) => {
    readonly _zlib: { writeSync(payload: Buffer, chunks: false): Buffer };
    cleanup(): void;
  };
};

// Threat: the addon's objects end their Node when they are collected while no JavaScript runs (seen with 1.17.0 and Node
// 24: RemoveEnvironmentCleanupHook, env is null), and with it every connection of the worker. So it is not built, and
// Node's own crypto does the work, with WebAssembly for Poly1305.
if (crypto.bindingAvailable)
  throw new Error(
    'ssh2 is here with its native ciphers, which can end the process: remove them (scripts/up)',
  );
await crypto.init;

export function plainCipher(onWrite: (bytes: Buffer) => void): PacketCipher {
  return new crypto.NullCipher(0, onWrite);
}

export function plainDecipher(onPayload: OnPayload): PacketDecipher {
  return new crypto.NullDecipher(0, onPayload);
}

export function cipherFor(keys: DirectionKeys, onWrite: (bytes: Buffer) => void): PacketCipher {
  const { info, iv, key, macInfo, macKey } = material(keys);
  return readied(
    crypto.createCipher({
      outbound: {
        ...{ onWrite, seqno: keys.seqno, cipherInfo: info, cipherIV: iv, cipherKey: key },
        ...{ macInfo, macKey },
      },
    }),
  );
}

export function decipherFor(keys: DirectionKeys, onPayload: OnPayload): PacketDecipher {
  const { info, iv, key, macInfo, macKey } = material(keys);
  return readied(
    crypto.createDecipher({
      inbound: {
        ...{ onPayload, seqno: keys.seqno, decipherInfo: info, decipherIV: iv, decipherKey: key },
        ...{ macInfo, macKey },
      },
    }),
  );
}

/** Where ssh2's ciphers keep keys of which they make one of Node's ciphers a packet, or three. */
const KEPT_KEYS = [
  ...['_encKey', '_encKeyMain', '_encKeyPktLen'],
  ...['_decipherKey', '_decKeyMain', '_decKeyPktLen'],
];

/** Node takes about 10 µs to find out that a key is bytes, each time; of one that it made itself it knows. */
function readied<Cipher extends object>(cipher: Cipher): Cipher {
  const kept = cipher as Record<string, unknown>;
  for (const name of KEPT_KEYS) {
    const key = kept[name];
    if (key instanceof Uint8Array) kept[name] = createSecretKey(key);
  }
  return cipher;
}

/** Whether the cipher needs no MAC beside it. */
export function authenticates(cipher: string): boolean {
  return (crypto.CIPHER_INFO[cipher]?.authLen ?? 0) > 0;
}

function material(keys: DirectionKeys) {
  const info = crypto.CIPHER_INFO[keys.cipher];
  if (info === undefined) throw new Error(`no cipher ${keys.cipher}`);
  const iv = keys.derive('iv', info.ivLen);
  const key = keys.derive('key', info.keyLen);
  if (info.authLen > 0) return { info, iv, key, macInfo: undefined, macKey: undefined };
  const macInfo = crypto.MAC_INFO[keys.mac];
  if (macInfo === undefined) throw new Error(`no MAC ${keys.mac}`);
  return { info, iv, key, macInfo, macKey: keys.derive('mac', macInfo.len) };
}

/**
 * The module with OpenSSH's limit of a packet (PACKET_MAX_SIZE in its packet.c) in place of its own of 35000 bytes, which
 * cannot be set: a command may be as long as a packet.
 */
function withLongerPackets(name: string): unknown {
  const path = require.resolve(name);
  const text = readFileSync(path, 'utf8');
  const longer = text.replace('const MAX_PACKET_SIZE = 35000;', 'const MAX_PACKET_SIZE = 256 * 1024;');
  if (longer === text) throw new Error(`${path} is not that of ssh2 1.17.0`);
  const module = new Module(path) as Module & { _compile(text: string, path: string): void };
  module.filename = path;
  module.paths = [];
  module._compile(longer, path);
  return module.exports;
}

/** A packet's payload, compressed in a stream that goes over all packets. */
export interface Deflater {
  write(payload: Buffer): Buffer;
  cleanup(): void;
}

export interface Inflater {
  /** @throws Error where it is none, or too long */
  read(payload: Buffer): Buffer;
  cleanup(): void;
}

/** RFC 4253 section 6.1 has 32768 bytes; OpenSSH sends up to its packet limit. More is a bomb. */
const MOST_INFLATED = 256 * 1024;

export function inflater(): Inflater {
  const reader = new zlib.ZlibPacketReader();
  reader._zlib._maxOutputLength = MOST_INFLATED;
  return reader;
}

export function deflater(): Deflater {
  const writer = new zlib.ZlibPacketWriter({});
  return {
    write: (payload) => writer._zlib.writeSync(payload, false),
    cleanup: () => writer.cleanup(),
  };
}
