/** A message that is too long to be kept: what it begins with decides whether it goes on. */
import { WHOLE } from './limits.ts';
import { notUnderstood } from './sql/statement.ts';

export const LONG = notUnderstood('', `longer than ${WHOLE} bytes, which are not read`);

export class LongMessage {
  readonly #forward: (bytes: Buffer) => void;
  /** What has come, while that does not tell. */
  #head: Buffer | null = null;
  #goesOn = false;

  constructor(forward: (bytes: Buffer) => void) {
    this.#forward = forward;
  }

  /**
   * @param offset 0 begins another message
   * @param begun whether a message that begins so goes on; null where more of it is needed to tell
   */
  piece(bytes: Buffer, offset: number, begun: (head: Buffer) => boolean | null): void {
    if (offset === 0) this.#head = Buffer.alloc(0);
    if (this.#head === null) {
      if (this.#goesOn) this.#forward(bytes);
      return;
    }
    this.#head = Buffer.concat([this.#head, bytes]);
    const goesOn = begun(this.#head);
    if (goesOn === null) return;
    this.#goesOn = goesOn;
    if (goesOn) this.#forward(this.#head);
    this.#head = null;
  }
}
