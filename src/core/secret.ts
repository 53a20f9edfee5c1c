/**
 * Text that must not be shown: a password, a key. It comes out of `reveal` alone; printed, inspected, serialised or
 * cloned it is `[secret]` or nothing.
 */

const SHOWN = '[secret]';
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

export class Secret {
  /** Its own memory, not the shared pool: `clear` leaves no copy behind that is ours. */
  #bytes: Buffer | null;

  constructor(text: string) {
    const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
    bytes.write(text);
    this.#bytes = bytes;
  }

  /**
   * The text, as a string that is the caller's to let go of at once: a string cannot be overwritten.
   * @throws Error after `clear`
   */
  reveal(): string {
    if (this.#bytes === null) throw new Error('the secret has been cleared');
    return this.#bytes.toString();
  }

  /** Overwrites the text. May be called again. */
  clear(): void {
    this.#bytes?.fill(0);
    this.#bytes = null;
  }

  get cleared(): boolean {
    return this.#bytes === null;
  }

  toString(): string {
    return SHOWN;
  }

  toJSON(): string {
    return SHOWN;
  }

  [INSPECT](): string {
    return SHOWN;
  }
}
