/** What a server says before it has let anybody in: a few short messages, read one at a time. */
import type { Socket } from 'node:net';
import { once } from '../../once.ts';
import { ProtocolError } from '../errors.ts';
import { backendLimits } from '../limits.ts';

const LIMITS = backendLimits();
const HEADER = 5;
/** libpq's longest message of a type that is not long by nature; an error that is longer is none of a login. */
const LONGEST = 30_000;

export class AnswerReader {
  readonly #stream: Socket;
  #bytes: Buffer = Buffer.alloc(0);

  /** @param stream paused; so it is between the messages */
  constructor(stream: Socket) {
    this.#stream = stream;
  }

  /**
   * @returns the next message, whole; null at the end
   * @throws ProtocolError
   */
  async next(): Promise<Buffer | null> {
    for (;;) {
      const length = this.#length();
      if (length !== null && this.#bytes.length >= length) {
        const message = this.#bytes.subarray(0, length);
        this.#bytes = this.#bytes.subarray(length);
        return message;
      }
      const chunk = await once(this.#stream);
      if (chunk === null) return null;
      this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    }
  }

  /** Puts back what was read behind the last message. */
  release(): void {
    if (this.#bytes.length > 0) this.#stream.unshift(this.#bytes);
    this.#bytes = Buffer.alloc(0);
  }

  /** With its type byte; null where that is not known yet. */
  #length(): number | null {
    if (this.#bytes.length < HEADER) return null;
    const type = this.#bytes[0] as number;
    const length = this.#bytes.readInt32BE(1);
    const [least, most] = [LIMITS.least[type] as number, Math.min(LIMITS.most[type] as number, LONGEST)];
    if (length < least || length > most)
      throw new ProtocolError('length', LIMITS.name(type), `a length of ${length}, in answer to a login`);
    return length + 1;
  }
}
