/** An open file: how much went through it, and the digest of its content where that was told from its beginning on. */
import { Content, type Room } from './content.ts';

export class FileUse {
  /** The actions that it is on record by. */
  readonly actions: readonly number[];
  readonly #written: Content;
  readonly #read: Content;

  constructor(actions: readonly number[], room: Room) {
    this.actions = actions;
    this.#written = new Content(room);
    this.#read = new Content(room);
  }

  wrote(offset: bigint, data: Buffer): void {
    this.#written.add(offset, data);
  }

  read(offset: bigint, data: Buffer): void {
    this.#read.add(offset, data);
  }

  /** It is closed, or was not opened; once. @returns what the record has of it */
  end(): Readonly<Record<string, unknown>> {
    const [written, read] = [this.#written.end(), this.#read.end()];
    return this.#written.bytes > 0 ? written : read;
  }
}

/** The data of one WRITE or DATA. A packet may be longer than its data, and what is behind that is none: Go's clients send so. */
export class Passing {
  readonly #add: (offset: bigint, data: Buffer) => void;
  #offset: bigint;
  #left: number;

  /** @param length as the packet says */
  constructor(add: (offset: bigint, data: Buffer) => void, offset: bigint, length: number) {
    this.#add = add;
    this.#offset = offset;
    this.#left = length;
  }

  take(data: Buffer): void {
    const part = data.length > this.#left ? data.subarray(0, this.#left) : data;
    this.#add(this.#offset, part);
    this.#offset += BigInt(part.length);
    this.#left -= part.length;
  }
}
