/** Writes messages one after the other into memory that many of them share. */
import type { Format } from './messages.ts';

const SLAB = 8 * 1024;
const MOST = 0xffff;
const INT32 = 0x7fffffff;
/** Below this a loop is faster than the call of a copy. */
const SHORT = 48;

export class Writer {
  readonly #size: number;
  #slab: Buffer;
  /** What was not taken yet begins here, the whole messages of it end at `#whole`. */
  #from = 0;
  #whole = 0;
  #at = 0;
  /** Of the message under way: where its length is. */
  #length = 0;

  /** @param size bytes allocated at a time; more where one `take` needs more */
  constructor(size: number = SLAB) {
    this.#size = size;
    this.#slab = Buffer.allocUnsafeSlow(size);
  }

  /**
   * Begins a message; one that was begun and not ended is forgotten.
   * @param type null for the packets that begin with their length
   * @param size of the body, where it is known: it is then written without moving what is there
   */
  begin(type: number | null, size = 0): this {
    this.#at = this.#whole;
    this.#reserve(5 + size);
    if (type !== null) this.#slab[this.#at++] = type;
    this.#length = this.#at;
    this.#at += 4;
    return this;
  }

  /** @throws RangeError where it is longer than its length field can say */
  end(): void {
    const length = this.#at - this.#length;
    if (length > INT32) throw new RangeError(`a message of ${length} bytes`);
    this.#slab.writeInt32BE(length, this.#length);
    this.#whole = this.#at;
  }

  /** @returns the messages that were ended since the last call; the memory is the caller's */
  take(): Buffer {
    const bytes = this.#slab.subarray(this.#from, this.#whole);
    this.#from = this.#whole;
    return bytes;
  }

  int8(value: number): this {
    this.#reserve(1);
    this.#slab[this.#at++] = value;
    return this;
  }

  /** Signed or unsigned: -32768 to 65535. */
  int16(value: number): this {
    this.#reserve(2);
    this.#at = this.#slab.writeUInt16BE(value & 0xffff, this.#at);
    return this;
  }

  /** Signed or unsigned: -2^31 to 2^32-1. */
  int32(value: number): this {
    this.#reserve(4);
    this.#at = this.#slab.writeInt32BE(value | 0, this.#at);
    return this;
  }

  /** @param bytes from `start` on, before `end` */
  bytes(bytes: Buffer, start = 0, end: number = bytes.length): this {
    const length = end - start;
    this.#reserve(length);
    if (length < SHORT) {
      const slab = this.#slab;
      let at = this.#at;
      for (let from = start; from < end; from += 1) slab[at++] = bytes[from] as number;
    } else bytes.copy(this.#slab, this.#at, start, end);
    this.#at += length;
    return this;
  }

  /**
   * A String; text is written as UTF-8.
   * @throws RangeError where it holds a zero byte: the rest would be read as the next field
   */
  string(value: string | Buffer): this {
    if (typeof value === 'string') {
      if (value.includes('\0')) throw new RangeError('a string with a zero byte');
      this.#reserve(3 * value.length + 1);
      this.#at += this.#slab.write(value, this.#at, 'utf8');
    } else {
      if (value.includes(0)) throw new RangeError('a string with a zero byte');
      this.#reserve(value.length + 1);
      this.#at += value.copy(this.#slab, this.#at);
    }
    this.#slab[this.#at++] = 0;
    return this;
  }

  /** An Int32 length and the bytes; -1 alone for null. */
  value(value: Buffer | null): this {
    return value === null ? this.int32(-1) : this.int32(value.length).bytes(value);
  }

  /**
   * An Int16 count.
   * @throws RangeError above 65535
   */
  count(count: number): this {
    if (count > MOST) throw new RangeError(`a list of ${count}, where ${MOST} can be`);
    return this.int16(count);
  }

  values(values: readonly (Buffer | null)[]): this {
    this.count(values.length);
    for (const value of values) this.value(value);
    return this;
  }

  formats(formats: readonly Format[]): this {
    this.count(formats.length);
    for (const format of formats) this.int16(format);
    return this;
  }

  objectIds(ids: readonly number[]): this {
    this.count(ids.length);
    for (const id of ids) this.int32(id);
    return this;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#slab.length - this.#at) return;
    const kept = this.#at - this.#from;
    const slab = Buffer.allocUnsafeSlow(Math.max(this.#size, 2 * kept + bytes));
    this.#slab.copy(slab, 0, this.#from, this.#at);
    this.#slab = slab;
    this.#at = kept;
    this.#whole -= this.#from;
    this.#length -= this.#from;
    this.#from = 0;
  }
}
