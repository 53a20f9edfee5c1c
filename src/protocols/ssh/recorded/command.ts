/** A command without a terminal: what it gives. What it is fed is nobody's typing, and only counted. */
import { createHash, type Hash } from 'node:crypto';
import type { Recorder } from '../connection/watch.ts';
import { type Binary, Kept, MOST_COUNT, number } from './records.ts';

type Stream = 'stdout' | 'stderr';

/** Of a stream that is no text so much is kept; within it is looked for what no text has. */
export const HEAD = 1 << 20;
const NOTHING = Buffer.alloc(0);

export class CommandRecorder implements Recorder {
  readonly #recordings: Keeper;
  readonly #action: number;
  readonly #whole: boolean;
  readonly #outputs: Partial<Record<Stream, Output>> = {};
  #fed = 0;

  /** @param whole it is kept also where it is no text */
  constructor(recordings: Keeper, action: number, whole: boolean) {
    this.#recordings = recordings;
    this.#action = action;
    this.#whole = whole;
  }

  input({ length }: Buffer): void {
    this.#fed += length;
  }

  output(data: Buffer, stream: Stream): void {
    const keep = (): boolean => this.#recordings.write(Kept[stream], this.#action, data);
    if (this.#whole) keep();
    else {
      this.#outputs[stream] ??= new Output(stream, (binary) => this.#binary(binary));
      this.#outputs[stream].take(data, keep);
    }
  }

  resize(): void {}

  end(): Readonly<Record<string, unknown>> {
    const summed: Partial<Record<Stream, unknown>> = {};
    for (const output of Object.values(this.#outputs)) {
      const binary = output.end();
      if (binary === null) continue;
      this.#binary(binary);
      summed[binary.stream] = { ...binary.sum, kept: binary.kept };
    }
    for (let left = this.#fed; left > 0; left -= MOST_COUNT)
      this.#recordings.write(Kept.withheld, this.#action, number(left));
    this.#recordings.write(Kept.end, this.#action, NOTHING);
    return summed;
  }

  #binary(binary: Binary): void {
    this.#recordings.write(Kept.binary, this.#action, Buffer.from(JSON.stringify(binary)));
  }
}

interface Keeper {
  /** @returns false where the recording takes no more */
  write(type: number, action: number, bytes: Buffer): boolean;
}

/** One of its streams: text, or what has a NUL in its beginning. */
class Output {
  readonly #stream: Stream;
  readonly #onBinary: (binary: Binary) => void;
  /** Of all of it; null where that is not wanted: it is text. */
  #hash: Hash | null = createHash('sha256');
  #bytes = 0;
  #kept = 0;
  #hasNul = false;
  /** It has been said that no more is kept. */
  #told = false;

  /** @param onBinary what follows is not kept */
  constructor(stream: Stream, onBinary: (binary: Binary) => void) {
    this.#stream = stream;
    this.#onBinary = onBinary;
  }

  /** @param keep has it recorded, and returns whether it is */
  take(data: Buffer, keep: () => boolean): void {
    if (this.#bytes >= HEAD && !this.#hasNul) this.#hash = null;
    if (this.#hash === null) {
      keep();
      return;
    }
    const passed = this.#bytes >= HEAD;
    this.#hash.update(data);
    this.#bytes += data.length;
    if (!passed) {
      if (keep()) this.#kept += data.length;
      this.#hasNul ||= data.includes(0);
    } else if (!this.#told && data.length > 0) {
      this.#told = true;
      this.#onBinary(this.#binary(null));
    }
  }

  /** @returns null where nothing of it was left out */
  end(): Binary | null {
    if (this.#hash === null || !this.#told) return null;
    return this.#binary({ bytes: this.#bytes, sha256: this.#hash.digest('hex') });
  }

  #binary(sum: Binary['sum']): Binary {
    return { stream: this.#stream, kept: this.#kept, sum };
  }
}
