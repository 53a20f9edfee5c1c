/** SSH's data types (RFC 4251 section 5), read within the bounds of one buffer. */

export class WireError extends Error {
  override readonly name = 'WireError';
}

export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** A `string`: four bytes of length, then so many bytes. A view, not a copy. */
  string(): Buffer {
    const length = this.#take(4).readUInt32BE();
    return this.#take(length);
  }

  /** A `string` that is to be UTF-8 text. */
  text(): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.string());
    } catch (error) {
      if (error instanceof TypeError) throw new WireError('text that is not UTF-8');
      throw error;
    }
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at)
      throw new WireError('a field that is longer than what holds it');
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }
}

/** The bytes as a `string` of the wire format. */
export function wireString(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
