/** The file of a recording as the supervisor writes it: only ever longer, and hashed as it grows. */
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Micros } from '../core/types.ts';
import {
  Codec,
  headerJson,
  MAGIC,
  type NewHeader,
  type RecordingTrailer,
  SEGMENT_HEADER,
  SegmentType,
  segmentHeader,
  trailerJson,
} from './format.ts';
import type { SegmentBody } from './frames.ts';

export class RecordingFile {
  readonly #file: FileHandle;
  #hash = createHash('sha256');
  #bytes = 0;
  #segments = 0;
  #sha256: string | null = null;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /**
   * Makes the file, which must not be there, readable and writable for its owner alone.
   * @throws NodeJS.ErrnoException
   */
  static async create(path: string, header: NewHeader): Promise<RecordingFile> {
    const made = new RecordingFile(await open(path, 'ax', 0o600));
    try {
      const json = headerJson(header);
      await made.#append(SegmentType.header, Codec.stored, header.started, json.length, json);
      return made;
    } catch (error) {
      await made.close();
      throw error;
    }
  }

  /** Bytes up to the end of the last whole segment. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of those bytes, in hexadecimal digits; nothing can be added after it was asked for. */
  get sha256(): string {
    this.#sha256 ??= this.#hash.digest('hex');
    return this.#sha256;
  }

  /**
   * One segment as the worker made it.
   * @throws NodeJS.ErrnoException where the disk does not take all of it; nothing can be added after that
   */
  segment({ codec, at, raw, bytes }: SegmentBody): Promise<void> {
    return this.#append(SegmentType.data, codec, at, raw, bytes);
  }

  /**
   * The last segment. What a machine that stops forgets of the file, its hash tells: the store is no surer either.
   * @throws NodeJS.ErrnoException
   */
  async finish(trailer: RecordingTrailer): Promise<void> {
    const json = trailerJson(trailer);
    await this.#append(SegmentType.trailer, Codec.stored, trailer.ended, json.length, json);
  }

  /** What did not fit as a whole is taken off again, where that can be done. */
  async close(): Promise<void> {
    try {
      const { size } = await this.#file.stat();
      if (size > this.#bytes) await this.#file.truncate(this.#bytes);
    } finally {
      await this.#file.close();
    }
  }

  async #append(type: SegmentType, codec: Codec, at: Micros, raw: number, bytes: Buffer): Promise<void> {
    const header = segmentHeader({ type, codec, index: this.#segments, raw, at }, bytes);
    const parts = this.#segments === 0 ? [MAGIC, header, bytes] : [header, bytes];
    const length = (this.#segments === 0 ? MAGIC.length : 0) + SEGMENT_HEADER + bytes.length;
    const writing = this.#file.writev(parts);
    // Beside the writing; what is not written whole is not of the file.
    const hash = this.#hash.copy();
    for (const part of parts) hash.update(part);
    const { bytesWritten } = await writing;
    // A disk that is nearly full takes some; what is missing fails with the reason.
    if (bytesWritten < length) await this.#file.writeFile(Buffer.concat(parts).subarray(bytesWritten));
    this.#hash = hash;
    this.#bytes += length;
    this.#segments += 1;
  }
}
