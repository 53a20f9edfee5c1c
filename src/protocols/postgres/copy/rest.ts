/** The part of a row that has come, in memory that grows with it. */

/** Larger memory is let go of when it is not needed any more. */
const KEPT = 1024 * 1024;
const EMPTY = Buffer.alloc(0);

export class Rest {
  #bytes: Buffer = EMPTY;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What is kept, with `more` behind it: `more` itself where nothing is kept. */
  with(more: Buffer): Buffer {
    if (this.#length === 0) return more;
    const needed = this.#length + more.length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * needed);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    more.copy(this.#bytes, this.#length);
    return this.#bytes.subarray(0, needed);
  }

  /**
   * Keeps what begins at `start`, in place of what was kept.
   * @param bytes as `with` gave them; what was given on of them stays valid until the next call of `with`
   */
  keep(bytes: Buffer, start: number): void {
    const length = bytes.length - start;
    if (length === 0) {
      if (this.#bytes.length > KEPT) this.#bytes = EMPTY;
    } else if (this.#length === 0 || start > 0) {
      // Moved to memory of its own: what goes on is still read from there.
      const kept = Buffer.allocUnsafeSlow(Math.max(2 * length, 256));
      bytes.copy(kept, 0, start);
      this.#bytes = kept;
    }
    this.#length = length;
  }
}
