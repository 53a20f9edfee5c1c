/**
 * Cuts a stream of bytes into lines, keeping at most `limit` bytes of an unfinished one.
 * `push` returns the whole lines; `overflow` turns true at a line longer than the limit and stays so.
 */
export class LineReader {
  /** Bytes of the line that is being read, and of those that follow. */
  limit: number;
  #parts: Buffer[] = [];
  #size = 0;
  #overflow = false;

  constructor(limit: number) {
    this.limit = limit;
  }

  get overflow(): boolean {
    return this.#overflow;
  }

  /** True in the middle of a line. */
  get partial(): boolean {
    return this.#size > 0;
  }

  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    while (!this.#overflow) {
      const end = chunk.indexOf(0x0a, from);
      const piece = chunk.subarray(from, end < 0 ? chunk.length : end);
      if (this.#size + piece.length > this.limit) {
        this.#overflow = true;
        this.#parts = [];
        break;
      }
      this.#parts.push(piece);
      this.#size += piece.length;
      if (end < 0) break;
      lines.push(Buffer.concat(this.#parts, this.#size).toString('utf8'));
      this.#parts = [];
      this.#size = 0;
      from = end + 1;
    }
    return lines;
  }
}
