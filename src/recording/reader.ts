/** Reads a recording's bytes as they come: whole segments out of pieces, records out of segments. */
import { zstdDecompressSync } from 'node:zlib';
import { count, record, text } from '../core/fields.ts';
import type { Micros } from '../core/types.ts';
import {
  Codec,
  checksum,
  MAGIC,
  RAW_MOST,
  RECORD_HEADER,
  type RecordingHeader,
  type RecordingTrailer,
  readSegmentHeader,
  SEGMENT_HEADER,
  type SegmentHeader,
  SegmentType,
  VERSION,
} from './format.ts';

/** What is there is not what was written. A file that merely ends early is none: `SegmentReader.left` tells. */
export class DamagedError extends Error {
  override readonly name = 'DamagedError';
}

export interface Segment extends SegmentHeader {
  /** As stored; a view. */
  readonly bytes: Buffer;
}

export interface RecordingRecord {
  readonly type: number;
  readonly at: Micros;
  /** A view. */
  readonly bytes: Buffer;
}

export class SegmentReader {
  #kept: Buffer = Buffer.alloc(0);
  #index = 0;
  #started = false;
  /** Of the bytes so far: the end of the last whole segment. */
  whole = 0;

  /** Bytes of a segment that is not whole: at the end of the file, where it was cut. */
  get left(): number {
    return this.#kept.length;
  }

  /**
   * @param chunk the next bytes of the file, however many
   * @yields each segment that is whole by then
   * @throws DamagedError
   */
  *push(chunk: Buffer): Generator<Segment, void> {
    let bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    this.#kept = bytes;
    if (!this.#started) {
      if (bytes.length < MAGIC.length) return;
      if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
        throw new DamagedError('this is no recording: it begins with other bytes');
      this.#started = true;
      this.whole = MAGIC.length;
      bytes = bytes.subarray(MAGIC.length);
    }
    for (;;) {
      this.#kept = bytes;
      if (bytes.length < SEGMENT_HEADER) return;
      const header = readSegmentHeader(bytes.subarray(0, SEGMENT_HEADER));
      if (header === null || header.index !== this.#index)
        throw new DamagedError(`at byte ${this.whole} there is no segment ${this.#index}`);
      const end = SEGMENT_HEADER + header.stored;
      if (bytes.length < end) return;
      const stored = bytes.subarray(SEGMENT_HEADER, end);
      if (checksum(bytes, stored) !== header.crc)
        throw new DamagedError(`segment ${this.#index} at byte ${this.whole} is not what was written`);
      bytes = bytes.subarray(end);
      this.#kept = bytes;
      this.#index += 1;
      this.whole += end;
      yield { ...header, bytes: stored };
    }
  }
}

/** Of a segment of type `data`. @throws DamagedError */
export function* recordsIn(segment: Segment): Generator<RecordingRecord, void> {
  const bytes = raw(segment);
  let at = 0;
  while (at < bytes.length) {
    if (bytes.length - at < RECORD_HEADER)
      throw new DamagedError('a segment ends within the head of a record');
    const length = bytes.readUInt32BE(at + 1);
    const end = at + RECORD_HEADER + length;
    if (end > bytes.length) throw new DamagedError('a segment ends within a record');
    yield {
      type: bytes[at] as number,
      at: segment.at + bytes.readUInt32BE(at + 5),
      bytes: bytes.subarray(at + RECORD_HEADER, end),
    };
    at = end;
  }
}

/** @throws DamagedError */
export function headerIn({ type, bytes }: Segment): RecordingHeader {
  if (type !== SegmentType.header) throw new DamagedError('a recording without its header');
  const { version, id, hop, kind, started } = jsonIn(bytes);
  if (version !== VERSION)
    throw new DamagedError(`its version is ${version}, and this Hopline reads ${VERSION}`);
  if (!text(id, 64) || !text(hop, 64) || !text(kind, 32) || !count(started))
    throw new DamagedError('a header without its fields');
  return { version, id, hop, kind, started };
}

/** @throws DamagedError */
export function trailerIn({ bytes }: Segment): RecordingTrailer {
  const { ended, reason } = jsonIn(bytes);
  if (!count(ended) || (reason !== null && !text(reason, RAW_MOST)))
    throw new DamagedError('a trailer without its fields');
  return { ended, reason };
}

function jsonIn(bytes: Buffer): Record<string, unknown> {
  try {
    const value = record(JSON.parse(bytes.toString('utf8')));
    if (value !== null) return value;
  } catch {}
  throw new DamagedError('a segment that should be JSON is none');
}

function raw({ codec, bytes, raw }: Segment): Buffer {
  if (codec === Codec.stored) return bytes;
  try {
    const made = zstdDecompressSync(bytes, { maxOutputLength: Math.min(raw + 1, RAW_MOST) });
    if (made.length === raw) return made;
  } catch (error) {
    throw new DamagedError(`a segment cannot be decompressed: ${(error as Error).message}`, { cause: error });
  }
  throw new DamagedError('a segment is longer or shorter than it says');
}
