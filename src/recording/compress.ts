/** Segments made small. */
import { Codec } from './format.ts';
import { bound, Context } from './zstd.ts';

/** Higher ones cost more than the disk does. */
const LEVEL = 1;
/** What is shorter takes less time than to hand it to another thread. */
const SHORT = 64 << 10;
/** Each has a context of half a megabyte. */
const MOST_AT_ONCE = 4;

export interface Compressed {
  readonly codec: Codec;
  /** May be `raw` itself. */
  readonly bytes: Buffer;
  /** Its bytes may be used for something else; those of `raw` are not meant. */
  release(): void;
}

const nothing = (): void => {};
const contexts: Context[] = [];
let beside = 0;
const short = Buffer.allocUnsafeSlow(bound(SHORT));
/** What is made anew for each segment is a collector's work. */
const spare: Buffer[] = [];
const SPARE = bound(256 << 10);
const MOST_SPARE = 8;

/** `raw` is not to be changed until it resolves, nor after it where it is what came back. It never rejects. */
export async function compress(raw: Buffer): Promise<Compressed> {
  try {
    return (await smaller(raw)) ?? stored(raw);
  } catch {
    // No memory, or no thread: what is as long as it was is recorded all the same.
    return stored(raw);
  }
}

/** @returns null where it does not get smaller */
async function smaller(raw: Buffer): Promise<Compressed | null> {
  const context = contexts.pop() ?? new Context(LEVEL);
  const another = raw.length >= SHORT && beside < MOST_AT_ONCE;
  if (another) beside += 1;
  try {
    return raw.length < SHORT ? inShort(raw, context) : await inSpare(raw, context, another);
  } finally {
    if (another) beside -= 1;
    contexts.push(context);
  }
}

function inShort(raw: Buffer, context: Context): Compressed | null {
  const length = context.compress(raw, short);
  return length < raw.length ? made(Buffer.from(short.subarray(0, length)), nothing) : null;
}

async function inSpare(raw: Buffer, context: Context, another: boolean): Promise<Compressed | null> {
  const room = bound(raw.length);
  const out = (room <= SPARE ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(room, SPARE));
  const release = (): void => {
    if (out.length === SPARE && spare.length < MOST_SPARE) spare.push(out);
  };
  const length = another ? await context.compressBeside(raw, out) : context.compress(raw, out);
  if (length < raw.length) return made(out.subarray(0, length), release);
  release();
  return null;
}

const made = (bytes: Buffer, release: () => void): Compressed => ({ codec: Codec.zstd, bytes, release });
const stored = (raw: Buffer): Compressed => ({ codec: Codec.stored, bytes: raw, release: nothing });

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
      return stored(raw);
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
