/** Records that wait to become a segment. */
import type { Micros } from '../core/types.ts';
import { RAW_MOST, RECORD_HEADER } from './format.ts';

/** A segment is made of so much, or of what there is when its time is up. */
export const FULL = 256 << 10;
const FIRST = 4 << 10;
const GROWTH = 4;
/** `elapsed` is 32 bits: what comes later than this belongs into another batch. */
const LONGEST_US = 0xffff_ffff;

const NOTHING: Buffer = Buffer.alloc(0);
/** What is made anew for each segment is a collector's work: of a stream, more than the stream's own. */
const spare: Buffer[] = [];
const MOST_SPARE = 8;

export class Batch {
  readonly at: Micros;
  readonly #since: number;
  #bytes: Buffer = NOTHING;
  #length = 0;

  /**
   * @param now milliseconds of `performance.now()`
   * @param full it is going to be
   */
  constructor(now: number, full = false) {
    if (full) this.#bytes = spare.pop() ?? Buffer.allocUnsafeSlow(FULL);
    this.at = Math.round((performance.timeOrigin + now) * 1000);
    this.#since = now;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Whether a record with so many bytes goes into this batch. One alone always does. */
  takes(length: number, now: number): boolean {
    if (this.#length === 0) return true;
    return this.#length + RECORD_HEADER + length <= FULL && (now - this.#since) * 1000 < LONGEST_US;
  }

  /** The record is `head` and `bytes`, one behind the other. */
  add(type: number, head: Buffer, bytes: Buffer, now: number): void {
    const length = head.length + bytes.length;
    const at = this.#length;
    const end = at + RECORD_HEADER + length;
    if (end > this.#bytes.length) this.#grow(end);
    const batch = this.#bytes;
    batch[at] = type;
    batch.writeUInt32BE(length, at + 1);
    batch.writeUInt32BE(Math.min(LONGEST_US, Math.max(0, Math.round((now - this.#since) * 1000))), at + 5);
    head.copy(batch, at + RECORD_HEADER);
    bytes.copy(batch, at + RECORD_HEADER + head.length);
    this.#length = end;
  }

  /** Its bytes are needed no more: another may have them. */
  recycle(): void {
    if (this.#bytes.length === FULL && spare.length < MOST_SPARE) spare.push(this.#bytes);
    this.#bytes = NOTHING;
    this.#length = 0;
  }

  #grow(needed: number): void {
    if (needed > RAW_MOST) throw new RangeError(`a record of ${needed} bytes`);
    let size = Math.max(FIRST, this.#bytes.length * GROWTH);
    while (size < needed) size *= GROWTH;
    size = Math.min(size, Math.max(FULL, needed));
    const grown = (size === FULL ? spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(size);
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
