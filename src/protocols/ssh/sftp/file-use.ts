/** An open file: how much went through it, and the digest of its content where that was told from beginning to end. */
import { createHash } from 'node:crypto';

class Stream {
  readonly #hash = createHash('sha256');
  #next = 0n;
  #ordered = true;
  bytes = 0;

  add(offset: bigint, data: Buffer): void {
    this.bytes += data.length;
    if (offset !== this.#next) this.#ordered = false;
    if (!this.#ordered) return;
    this.#hash.update(data);
    this.#next += BigInt(data.length);
  }

  get result(): Readonly<Record<string, unknown>> {
    if (!this.#ordered) return { bytes: this.bytes, ordered: false };
    return { bytes: this.bytes, sha256: this.#hash.digest('hex') };
  }
}

export class FileUse {
  /** The actions that it is on record by. */
  readonly actions: readonly number[];
  readonly #written = new Stream();
  readonly #read = new Stream();

  constructor(actions: readonly number[]) {
    this.actions = actions;
  }

  wrote(offset: bigint, data: Buffer): void {
    this.#written.add(offset, data);
  }

  read(offset: bigint, data: Buffer): void {
    this.#read.add(offset, data);
  }

  /** Once. */
  get result(): Readonly<Record<string, unknown>> {
    return this.#written.bytes > 0 ? this.#written.result : this.#read.result;
  }
}
