/** Bytes, packets and messages of one side, awaited one at a time. For tests: nothing here is bounded. */
import type { Duplex } from 'node:stream';

export class Wire {
  readonly stream: Duplex;
  #buffer = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on('data', this.#onData);
    stream.on('error', this.#onEnd).on('end', this.#onEnd).on('close', this.#onEnd);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    this.#wake?.();
  };

  readonly #onEnd = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  /** Null at the end. */
  async bytes(length: number): Promise<Buffer | null> {
    while (this.#buffer.length < length) {
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const bytes = Buffer.from(this.#buffer.subarray(0, length));
    this.#buffer = this.#buffer.subarray(length);
    return bytes;
  }

  /** A packet that begins with its length. */
  async packet(): Promise<Buffer | null> {
    const length = await this.bytes(4);
    const rest = length === null ? null : await this.bytes(length.readInt32BE() - 4);
    return length === null || rest === null ? null : Buffer.concat([length, rest]);
  }

  /** A message with its type byte. */
  async message(): Promise<Buffer | null> {
    const header = await this.bytes(5);
    const rest = header === null ? null : await this.bytes(header.readInt32BE(1) - 4);
    return header === null || rest === null ? null : Buffer.concat([header, rest]);
  }

  /** Gives the stream back, paused. What was read and not used is put back. */
  release(): Duplex {
    this.stream.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onEnd);
    this.stream.pause();
    if (this.#buffer.length > 0) this.stream.unshift(this.#buffer);
    return this.stream;
  }
}
