/**
 * What a worker and its supervisor say about recordings, over a socket of their own: bytes in numbers are no matter
 * for the JSON channel, and here the socket itself holds the worker back where the disk is slow.
 *
 * A frame is its length (u32, of what follows), its type (u8), the recording's number (u32, the worker's choice) and a
 * body. The supervisor believes no length above what a segment can have.
 */
import { text } from '../core/fields.ts';
import type { Micros, Owner } from '../core/types.ts';
import { Codec, RAW_MOST, STORED_MOST } from './format.ts';

/** From the worker. */
export const Ask = { open: 1, segment: 2, end: 3 } as const;
/** From the supervisor: `taken` answers a segment, `ended` an end; after `failed` nothing more comes. */
export const Told = { opened: 1, taken: 2, failed: 3, ended: 4 } as const;

const LENGTH = 4;
const HEAD = 5;
/** at f64, codec u8, raw u32. */
const SEGMENT_HEAD = 13;
const JSON_MOST = 4096;
const LONGEST = HEAD + SEGMENT_HEAD + STORED_MOST;
const TEXT_MOST = 1024;

export interface Frame {
  readonly type: number;
  readonly stream: number;
  /** Valid until the next frame is asked for. */
  readonly body: Buffer;
}

export interface Opening {
  readonly of: Owner;
  readonly kind: string;
}

export interface Ending {
  /** Why nothing more is recorded while the hop goes on; null where it is over. */
  readonly reason: string | null;
}

export interface SegmentBody {
  readonly at: Micros;
  readonly codec: Codec;
  readonly raw: number;
  readonly bytes: Buffer;
}

/** The other side does not keep to the protocol. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

export function frame(type: number, stream: number, body: Buffer | string = ''): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return Buffer.concat([head(type, stream, bytes.length), bytes]);
}

/** @returns the parts to write one after the other: a segment is not copied for it */
export function segmentFrame(stream: number, { at, codec, raw, bytes }: SegmentBody): [Buffer, Buffer] {
  const start = Buffer.alloc(LENGTH + HEAD + SEGMENT_HEAD);
  head(Ask.segment, stream, SEGMENT_HEAD + bytes.length).copy(start);
  start.writeDoubleBE(at, LENGTH + HEAD);
  start[LENGTH + HEAD + 8] = codec;
  start.writeUInt32BE(raw, LENGTH + HEAD + 9);
  return [start, bytes];
}

/** @throws FrameError */
export function segmentOf({ body }: Frame): SegmentBody {
  if (body.length < SEGMENT_HEAD) throw new FrameError('a segment shorter than its head');
  const [at, codec, raw] = [body.readDoubleBE(0), body[8], body.readUInt32BE(9)];
  if (codec !== Codec.stored && codec !== Codec.zstd) throw new FrameError('a segment of an unknown codec');
  const bytes = body.subarray(SEGMENT_HEAD);
  if (raw > RAW_MOST || bytes.length === 0 || (codec === Codec.stored && raw !== bytes.length))
    throw new FrameError('a segment whose lengths cannot be');
  if (!Number.isFinite(at) || at < 0) throw new FrameError('a segment of no time');
  return { at, codec, raw, bytes };
}

/** @throws FrameError */
export function openingOf({ body }: Frame): Opening {
  const { hop, login, kind } = json(body);
  if (!text(kind, 32) || !/^[a-z][a-z0-9-]*$/.test(kind))
    throw new FrameError('an opening that names no kind');
  if (text(hop, 64) && login === undefined) return { of: { hop }, kind };
  if (text(login, 64) && hop === undefined) return { of: { login }, kind };
  throw new FrameError('an opening that names no hop and no login');
}

/** @throws FrameError */
export function endingOf({ body }: Frame): Ending {
  const { reason } = json(body);
  if (reason !== null && !text(reason, TEXT_MOST)) throw new FrameError('an end without its reason');
  return { reason };
}

/** Why the supervisor cannot keep it. */
export function wordsOf({ body }: Frame): string {
  return body.toString('utf8').slice(0, TEXT_MOST);
}

function json(body: Buffer): Record<string, unknown> {
  if (body.length > JSON_MOST) throw new FrameError('a message that is too long');
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {}
  throw new FrameError('a message that is no JSON object');
}

function head(type: number, stream: number, body: number): Buffer {
  const bytes = Buffer.alloc(LENGTH + HEAD);
  bytes.writeUInt32BE(HEAD + body, 0);
  bytes[LENGTH] = type;
  bytes.writeUInt32BE(stream, LENGTH + 1);
  return bytes;
}

/** Cuts a socket's bytes into frames; keeps one frame at most. */
export class FrameReader {
  #kept: Buffer | null = null;
  #length = 0;
  /** Of the last frame that came in pieces, for the next: what is made anew for each is a collector's work. */
  #room = Buffer.alloc(0);

  /**
   * @yields each frame that is whole; its body is good until the next is asked for
   * @throws FrameError
   */
  *push(chunk: Buffer): Generator<Frame, void> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#kept === null && chunk.length - at >= LENGTH) {
        const end = at + LENGTH + sizeOf(chunk.readUInt32BE(at));
        if (end <= chunk.length) {
          yield frameOf(chunk.subarray(at + LENGTH, end));
          at = end;
          continue;
        }
      }
      at += this.#keep(chunk, at);
      const whole = this.#whole();
      if (whole !== null) yield whole;
    }
  }

  /** First the length, then as much as it says. @returns how many bytes were taken */
  #keep(chunk: Buffer, at: number): number {
    const kept = this.#kept ?? Buffer.allocUnsafe(LENGTH);
    const taken = chunk.copy(kept, this.#length, at);
    this.#kept = kept;
    this.#length += taken;
    if (this.#length < LENGTH || kept.length > LENGTH) return taken;
    const size = LENGTH + sizeOf(kept.readUInt32BE(0));
    if (size > this.#room.length) this.#room = Buffer.allocUnsafeSlow(size);
    this.#kept = this.#room.subarray(0, size);
    kept.copy(this.#kept);
    return taken;
  }

  #whole(): Frame | null {
    const kept = this.#kept;
    if (kept === null || kept.length === LENGTH || this.#length < kept.length) return null;
    this.#kept = null;
    this.#length = 0;
    return frameOf(kept.subarray(LENGTH));
  }
}

function sizeOf(size: number): number {
  if (size < HEAD || size > LONGEST) throw new FrameError(`a frame of ${size} bytes`);
  return size;
}

function frameOf(bytes: Buffer): Frame {
  return { type: bytes[0] as number, stream: bytes.readUInt32BE(1), body: bytes.subarray(HEAD) };
}
