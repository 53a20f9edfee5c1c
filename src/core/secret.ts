/**
 * Text that must not be shown: a password, a key. It comes out of `reveal` alone; printed, inspected, serialised or
 * cloned it is `[secret]` or nothing.
 */

const SHOWN = '[secret]';
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * Memory of its own, outside V8's heap: inside, where Node puts buffers of 64 bytes and less, a collection moves what is
 * there and leaves a copy behind that nobody can overwrite.
 */
export function outsideHeap(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length));
}

export class Secret {
  #bytes: Buffer | null;

  /** @param text where it is bytes they are copied, and the caller's to overwrite */
  constructor(text: string | Uint8Array) {
    const bytes = outsideHeap(typeof text === 'string' ? Buffer.byteLength(text) : text.length);
    if (typeof text === 'string') bytes.write(text);
    else bytes.set(text);
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

  /**
   * The text in UTF-8: a copy, to be overwritten by the caller. No string is made of it.
   * @throws Error after `clear`
   */
  bytes(): Buffer {
    if (this.#bytes === null) throw new Error('the secret has been cleared');
    const copy = outsideHeap(this.#bytes.length);
    copy.set(this.#bytes);
    return copy;
  }

  /** Another one of the same text, so that clearing one takes it from nobody else. */
  copy(): Secret {
    if (this.#bytes === null) throw new Error('the secret has been cleared');
    return new Secret(this.#bytes);
  }

  /** Overwrites the text. May be called again. */
  clear(): void {
    this.#bytes?.fill(0);
    this.#bytes = null;
  }

  /** In bytes of UTF-8; 0 after `clear`. */
  get length(): number {
    return this.#bytes?.length ?? 0;
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
