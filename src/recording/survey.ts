/** What is left of a recording that nobody ended. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { SegmentType } from './format.ts';
import { DamagedError, SegmentReader } from './reader.ts';

export interface Survey {
  /** Up to the end of the last whole segment. */
  readonly bytes: number;
  /** Of those bytes. */
  readonly sha256: string;
  /** Bytes behind them, of a segment that is not whole. */
  readonly left: number;
  /** It has its trailer: only the record of its end is missing. */
  readonly complete: boolean;
  /** What is wrong with it; null where nothing is but that it ends. */
  readonly damage: string | null;
}

/**
 * Reads all of it and decompresses nothing.
 * @returns null where there is no such file
 */
export async function survey(path: string): Promise<Survey | null> {
  let size: number;
  try {
    ({ size } = await stat(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const reader = new SegmentReader();
  let complete = false;
  let damage: string | null = null;
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
      for (const { type } of reader.push(chunk)) complete = type === SegmentType.trailer;
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    damage = error.message;
  }
  return {
    bytes: reader.whole,
    sha256: await sha256(path, reader.whole),
    left: size - reader.whole,
    complete,
    damage,
  };
}

async function sha256(path: string, bytes: number): Promise<string> {
  const hash = createHash('sha256');
  if (bytes > 0) for await (const chunk of createReadStream(path, { end: bytes - 1 })) hash.update(chunk);
  return hash.digest('hex');
}
