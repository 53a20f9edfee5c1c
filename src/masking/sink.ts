/** Bytes put together piece by piece, in memory that grows with what is there. */

const LEAST = 64;

export class Sink {
  #bytes: Buffer;
  #length = 0;

  /** @param expected about how many bytes it will be */
  constructor(expected: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(expected, LEAST));
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  int32(value: number): void {
    this.#room(4);
    this.#bytes.writeInt32BE(value, this.#length);
    this.#length += 4;
  }

  /** The bytes of `from` between `start` and `end`. */
  copy(from: Buffer, start = 0, end = from.length): void {
    this.#room(end - start);
    from.copy(this.#bytes, this.#length, start, end);
    this.#length += end - start;
  }

  /** What is there; the sink must not be used afterwards. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #room(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(needed * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
