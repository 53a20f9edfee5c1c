/** Rows as they go on: the bytes that came, but for the fields that were replaced. */

/** What is kept for the next time. */
const KEPT = 1024 * 1024;
const LEAST = 1024;

export class Output {
  #bytes: Buffer = Buffer.allocUnsafeSlow(LEAST);
  #length = 0;
  #source: Buffer = this.#bytes;
  /** Of the source: up to here it is copied or replaced. */
  #copied = 0;
  #changed = false;

  /** Begins anew: what was given before is over. */
  begin(source: Buffer): void {
    if (this.#bytes.length > KEPT) this.#bytes = Buffer.allocUnsafeSlow(LEAST);
    this.#length = 0;
    this.#source = source;
    this.#copied = 0;
    this.#changed = false;
  }

  /** The source's bytes from `start` on, before `end`, are left out; what is put next stands there. */
  replace(start: number, end: number): void {
    this.#copy(start);
    this.#copied = end;
    this.#changed = true;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }

  int32(value: number): void {
    this.#room(4);
    this.#length = this.#bytes.writeInt32BE(value, this.#length);
  }

  put(bytes: Buffer): void {
    this.#room(bytes.length);
    this.#length += bytes.copy(this.#bytes, this.#length);
  }

  /**
   * @param end of the source: what comes after it does not go on
   * @returns valid until `begin`; a view of the source itself where nothing was replaced
   */
  take(end: number): Buffer {
    if (!this.#changed) return end === this.#source.length ? this.#source : this.#source.subarray(0, end);
    this.#copy(end);
    return this.#bytes.subarray(0, this.#length);
  }

  #copy(end: number): void {
    this.#room(end - this.#copied);
    this.#length += this.#source.copy(this.#bytes, this.#length, this.#copied, end);
    this.#copied = end;
  }

  #room(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(needed * 2);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
