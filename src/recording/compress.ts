/** Segments made small. */
import { constants, zstdCompress, zstdCompressSync } from 'node:zlib';
import { Codec } from './format.ts';

/** Half the size at 500 MB/s; higher levels cost more than the disk does. */
const PARAMS = { [constants.ZSTD_c_compressionLevel]: 1 };
/** What zstd's ZSTD_compressBound adds, about: the most that it makes of what does not compress. */
const bound = (length: number): number => length + (length >> 8) + 128;
/** What is shorter takes less time than to hand it to another thread. */
const SHORT = 64 << 10;
/** Each has a context of about a megabyte. */
const MOST_AT_ONCE = 4;

let running = 0;

export interface Compressed {
  readonly codec: Codec;
  /** May be `raw` itself. */
  readonly bytes: Buffer;
}

/** `raw` is not to be changed until it resolves, nor after it where it is what came back. */
export async function compress(raw: Buffer): Promise<Compressed> {
  // In one piece: each of the usual 16 kB would be a way to another thread and back of its own.
  const options = { params: PARAMS, chunkSize: bound(raw.length) };
  if (raw.length < SHORT || running >= MOST_AT_ONCE) return smaller(raw, zstdCompressSync(raw, options));
  running += 1;
  try {
    const bytes = await new Promise<Buffer>((resolve, reject) =>
      zstdCompress(raw, options, (error, made) => (error === null ? resolve(made) : reject(error))),
    );
    return smaller(raw, bytes);
  } finally {
    running -= 1;
  }
}

function smaller(raw: Buffer, bytes: Buffer): Compressed {
  return bytes.length < raw.length ? { codec: Codec.zstd, bytes } : { codec: Codec.stored, bytes: raw };
}
