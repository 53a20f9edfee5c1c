/** SSH's data types (RFC 4251 section 5): read within the bounds of one buffer, and written. */
import { createHash } from 'node:crypto';

export class WireError extends Error {
  override readonly name = 'WireError';
}

export class WireReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get done(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Bytes read so far. */
  get at(): number {
    return this.#at;
  }

  byte(): number {
    return this.#take(1).readUInt8();
  }

  boolean(): boolean {
    return this.byte() !== 0;
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

  /** A `name-list`; names are ASCII. */
  names(): string[] {
    const list = this.string().toString('latin1');
    return list === '' ? [] : list.split(',');
  }

  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  uint64(): bigint {
    return this.#take(8).readBigUInt64BE();
  }

  /** So many bytes without a length before them. A view. */
  bytes(length: number): Buffer {
    return this.#take(length);
  }

  /** All that is left. A view. */
  rest(): Buffer {
    return this.#take(this.#bytes.length - this.#at);
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at)
      throw new WireError('a field that is longer than what holds it');
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }
}

/** Collects fields. Buffers that are handed over are not copied before `bytes`. */
export class WireWriter {
  readonly #parts: Buffer[] = [];

  byte(value: number): this {
    this.#parts.push(Buffer.of(value));
    return this;
  }

  boolean(value: boolean): this {
    return this.byte(value ? 1 : 0);
  }

  uint32(value: number): this {
    const part = Buffer.allocUnsafe(4);
    part.writeUInt32BE(value);
    this.#parts.push(part);
    return this;
  }

  uint64(value: bigint): this {
    const part = Buffer.allocUnsafe(8);
    part.writeBigUInt64BE(value);
    this.#parts.push(part);
    return this;
  }

  string(value: Buffer | string): this {
    const part = typeof value === 'string' ? Buffer.from(value) : value;
    this.uint32(part.length);
    this.#parts.push(part);
    return this;
  }

  names(list: readonly string[]): this {
    return this.string(list.join(','));
  }

  /** A non-negative `mpint`. @param value big-endian, zeros before it or not */
  mpint(value: Buffer): this {
    return this.string(mpint(value));
  }

  raw(value: Buffer): this {
    this.#parts.push(value);
    return this;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** The bytes as a `string` of the wire format. */
export function wireString(bytes: Buffer | string): Buffer {
  return new WireWriter().string(bytes).bytes();
}

/** The content of an `mpint`: no zeros before it, but for one where the first bit would make it negative. */
export function mpint(value: Buffer): Buffer {
  let start = 0;
  while (start < value.length && value[start] === 0) start += 1;
  const trimmed = value.subarray(start);
  return ((trimmed[0] ?? 0) & 0x80) === 0 ? trimmed : Buffer.concat([Buffer.of(0), trimmed]);
}

/** `SHA256:` and unpadded base64 of a key blob, as ssh-keygen -l prints it. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}
