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

/** More than this much of it left is not worth it. */
const WORTH = 15 / 16;
/** So many segments at most are stored as they are before it is tried again. */
const MOST_PASSED = 32;

/** The segments of one recording: where they do not get smaller, only some are tried. */
export class Compressor {
  /** How many are passed over after one in vain, and how many still are. */
  #pause = 0;
  #left = 0;

  /** As {@link compress}. */
  async make(raw: Buffer): Promise<Compressed> {
    const counts = raw.length >= SHORT;
    if (counts && this.#left > 0) {
      this.#left -= 1;
      return { codec: Codec.stored, bytes: raw };
    }
    const made = await compress(raw);
    if (counts) {
      const vain = made.bytes.length > raw.length * WORTH;
      this.#pause = vain ? Math.min(Math.max(1, this.#pause * 2), MOST_PASSED) : 0;
      this.#left = this.#pause;
    }
    return made;
  }
}

function smaller(raw: Buffer, bytes: Buffer): Compressed {
  return bytes.length < raw.length ? { codec: Codec.zstd, bytes } : { codec: Codec.stored, bytes: raw };
}
