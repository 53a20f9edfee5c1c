/**
 * Arrays in the binary format (array_send in PostgreSQL's arrayfuncs.c): Int32 dimensions, Int32 whether there are
 * NULLs, oid of the elements, for each dimension Int32 size and Int32 lower bound, then each element as Int32 length
 * (-1 is NULL) and bytes.
 */
import type { MapElement } from './array-text.ts';
import { Sink } from './sink.ts';

/** MAXDIM. */
const MOST_DIMENSIONS = 6;
const HEADER = 12;
const PER_DIMENSION = 8;

/**
 * Every element that is not NULL replaced.
 * @param elementOid what the array has to hold
 * @returns null where an element gives up, or the bytes are not such an array
 */
export function mapArrayBinary(value: Buffer, elementOid: number, map: MapElement): Buffer | null {
  const start = elementsStart(value, elementOid);
  if (start < 0) return null;
  const out = new Sink(value.length);
  out.copy(value, 0, start);
  const count = elementCount(value);
  let at = start;
  for (let n = 0; n < count; n++) {
    if (at + 4 > value.length) return null;
    const length = value.readInt32BE(at);
    at += 4;
    if (length === -1) {
      out.int32(-1);
      continue;
    }
    if (length < 0 || length > value.length - at) return null;
    const masked = map(value.subarray(at, at + length));
    if (masked === null) return null;
    out.int32(masked.length);
    out.copy(masked);
    at += length;
  }
  return at === value.length ? out.take() : null;
}

/** @returns -1 where the header is not that of an array of `elementOid` */
function elementsStart(value: Buffer, elementOid: number): number {
  if (value.length < HEADER) return -1;
  const dimensions = value.readInt32BE(0);
  const nulls = value.readInt32BE(4);
  if (dimensions < 0 || dimensions > MOST_DIMENSIONS || (nulls !== 0 && nulls !== 1)) return -1;
  if (value.readUInt32BE(8) !== elementOid) return -1;
  const start = HEADER + dimensions * PER_DIMENSION;
  return start > value.length ? -1 : start;
}

/** The sizes' product; each element takes four bytes, so a claim beyond the value ends in its first missing one. */
function elementCount(value: Buffer): number {
  const dimensions = value.readInt32BE(0);
  let count = dimensions === 0 ? 0 : 1;
  for (let n = 0; n < dimensions; n++) count *= Math.max(0, value.readInt32BE(HEADER + n * PER_DIMENSION));
  return count;
}
