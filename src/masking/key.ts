/** The key of the forms that replace a value by one that only the same value gets. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import type { Secret } from '../core/secret.ts';

const LEAST_BYTES = 16;

export class MaskKey {
  readonly #key: KeyObject;

  /**
   * @param key at least 16 bytes; of a `Secret` the bytes are its UTF-8
   * @throws RangeError where it is shorter
   */
  constructor(key: Secret | Uint8Array) {
    const bytes = key instanceof Uint8Array ? key : Buffer.from(key.reveal());
    if (bytes.length < LEAST_BYTES)
      throw new RangeError(`a masking key of ${bytes.length} bytes, where ${LEAST_BYTES} are the least`);
    this.#key = createSecretKey(bytes);
    if (bytes !== key) bytes.fill(0);
  }

  /** The first 64 bits of the value's HMAC-SHA-256 (RFC 2104) as 16 hexadecimal digits. */
  hash(value: Uint8Array): string {
    return createHmac('sha256', this.#key).update(value).digest('hex').slice(0, 16);
  }

  /** 32 bytes that depend on key, purpose and value, so that one purpose tells nothing about another. */
  derive(purpose: string, value: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(`${purpose}\0`).update(value).digest();
  }
}
