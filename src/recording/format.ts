/**
 * The file of a recording: a magic, then segments, each of which can be read by itself, so that a file that was cut
 * anywhere is readable up to its last whole segment. The supervisor writes the file and the segments' headers; what is
 * in a data segment is the worker's, and the supervisor never looks into it.
 *
 * ```
 * file     "HOPLREC1", segment of type `header`, segments of type `data`, segment of type `trailer`
 * segment  mark u32, type u8, codec u8, zero u16, index u32, stored u32, raw u32, at f64, crc u32, `stored` bytes
 * data     after decompression `raw` bytes of records: type u8, length u32, elapsed u32, `length` bytes
 * ```
 *
 * Numbers are big-endian; `at` is in microseconds since the Unix epoch, `elapsed` in microseconds since `at`; `crc` is
 * CRC-32 (RFC 1952 section 8) of the header before it and the stored bytes. Types of records are those of the
 * recording's kind. Header and trailer are JSON, stored as it is.
 */
import { crc32 } from 'node:zlib';
import type { Micros, Owner } from '../core/types.ts';

export const MAGIC = Buffer.from('HOPLREC1', 'latin1');
export const SEGMENT_HEADER = 32;
export const RECORD_HEADER = 9;
/** Of a segment before compression: what a reader has to hold at most. */
export const RAW_MOST = 1 << 20;
/** Of a segment as it is stored: zstd makes what it cannot compress a little longer. */
export const STORED_MOST = RAW_MOST + (64 << 10);
/** The longest record. */
export const RECORD_MOST = RAW_MOST - RECORD_HEADER;

export const SegmentType = { header: 0, data: 1, trailer: 2 } as const;
export type SegmentType = (typeof SegmentType)[keyof typeof SegmentType];
export const Codec = { stored: 0, zstd: 1 } as const;
export type Codec = (typeof Codec)[keyof typeof Codec];

const MARK = 0x48534547;
const CRC_AT = SEGMENT_HEADER - 4;
export const VERSION = 1;

export interface SegmentHeader {
  readonly type: SegmentType;
  readonly codec: Codec;
  /** 0, 1, … in the file. */
  readonly index: number;
  /** Bytes that follow. */
  readonly stored: number;
  /** Bytes after decompression. */
  readonly raw: number;
  readonly at: Micros;
  readonly crc: number;
}

/** What the file says of itself. */
export type RecordingHeader = Owner & {
  readonly version: number;
  readonly id: string;
  readonly kind: string;
  readonly started: Micros;
};

/** Without what is the same in all of them. */
export type NewHeader = Owner & Pick<RecordingHeader, 'id' | 'kind' | 'started'>;

/** The recording ended in order, if not always well. */
export interface RecordingTrailer {
  readonly ended: Micros;
  /** Why it ended before that did which it is of; null where nothing is missing. */
  readonly reason: string | null;
}

/** The header of a segment that holds `bytes`. */
export function segmentHeader(
  { type, codec, index, raw, at }: Omit<SegmentHeader, 'stored' | 'crc'>,
  bytes: Buffer,
): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER);
  header.writeUInt32BE(MARK, 0);
  header[4] = type;
  header[5] = codec;
  header.writeUInt32BE(index, 8);
  header.writeUInt32BE(bytes.length, 12);
  header.writeUInt32BE(raw, 16);
  header.writeDoubleBE(at, 20);
  header.writeUInt32BE(checksum(header, bytes), CRC_AT);
  return header;
}

/** @returns null where these 32 bytes are no header that this version writes */
export function readSegmentHeader(header: Buffer): SegmentHeader | null {
  const [type, codec] = [header[4], header[5]];
  if (header.readUInt32BE(0) !== MARK || header.readUInt16BE(6) !== 0) return null;
  if (type !== SegmentType.header && type !== SegmentType.data && type !== SegmentType.trailer) return null;
  if (codec !== Codec.stored && codec !== Codec.zstd) return null;
  const stored = header.readUInt32BE(12);
  const raw = header.readUInt32BE(16);
  if (stored > STORED_MOST || raw > RAW_MOST || (codec === Codec.stored && stored !== raw)) return null;
  const [index, at, crc] = [header.readUInt32BE(8), header.readDoubleBE(20), header.readUInt32BE(CRC_AT)];
  return { type, codec, index, stored, raw, at, crc };
}

/** Of a segment's header, without its own field, and of the bytes behind it. */
export function checksum(header: Buffer, bytes: Buffer): number {
  return crc32(bytes, crc32(header.subarray(0, CRC_AT)));
}

export function headerJson(header: NewHeader): Buffer {
  return Buffer.from(JSON.stringify({ version: VERSION, ...header }));
}

export function trailerJson(trailer: RecordingTrailer): Buffer {
  return Buffer.from(JSON.stringify(trailer));
}
