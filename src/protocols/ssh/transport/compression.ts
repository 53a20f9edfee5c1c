/**
 * Compression of packets (RFC 4253 section 6.2), in a stream that goes over all of them: by ssh2's, which Node has no equal
 * of, since each packet is one flush. Written for ssh2 1.17.0, which is pinned exactly.
 *
 * ssh2's own `Client`, `Server` and `Protocol` are not used. They have no post-quantum key exchange and no host
 * certificates, answer unknown requests themselves in place of the other end, keep windows of their own (so that bytes wait
 * here), queue without bound while keys are exchanged, and sign user certificates by the wrong name. Nor are its ciphers:
 * openssl.ts says why.
 */
import { createRequire } from 'node:module';

const zlib = createRequire(import.meta.url)('ssh2/lib/protocol/zlib.js') as {
  readonly ZlibPacketReader: new () => Inflater & { readonly _zlib: { _maxOutputLength: number } };
  readonly ZlibPacketWriter: new (
    protocol: object,
  ) => {
    readonly _zlib: { writeSync(payload: Buffer, chunks: false): Buffer };
    cleanup(): void;
  };
};

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
