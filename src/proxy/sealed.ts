/**
 * A secret on its way from the supervisor to a worker. The channel carries JSON, and what was in a string cannot be
 * overwritten: it lies in the memory of both processes until something else takes its place. So the worker asks with a
 * key of its own, made for this one answer (X25519, RFC 7748), and what is in the strings is sealed to it (HKDF, RFC 5869;
 * AES-256-GCM).
 */
import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { Secret } from '../core/secret.ts';

const CIPHER = 'aes-256-gcm';
const KEY = 32;
const IV = 12;
const TAG = 16;
/** Base64url of 32 bytes. */
const POINT = /^[A-Za-z0-9_-]{43}$/;

/** What the asker keeps until the answer comes. */
export class SealedAnswer {
  readonly #privateKey: KeyObject;
  /** To be sent with the question. */
  readonly key: string;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('x25519');
    this.#privateKey = privateKey;
    this.key = pointOf(publicKey);
  }

  /** @throws Error where it was not sealed for this answer */
  open(sealed: string): Secret {
    const [point = '', text = ''] = sealed.split('.');
    const bytes = Buffer.from(text, 'base64url');
    const end = bytes.length - TAG;
    if (!isPoint(point) || end < 0) throw new Error('that is nothing sealed');
    return withKey(this.#privateKey, keyOf(point), [point, this.key], (key, iv) => {
      const decipher = createDecipheriv(CIPHER, key, iv).setAuthTag(bytes.subarray(end));
      const opened = decipher.update(bytes.subarray(0, end));
      try {
        decipher.final();
        return new Secret(opened);
      } finally {
        opened.fill(0);
      }
    });
  }
}

export function isPoint(text: unknown): text is string {
  return typeof text === 'string' && POINT.test(text);
}

/**
 * @param asked the asker's key
 * @throws Error where that is none
 */
export function seal(secret: Secret, asked: string): string {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const point = pointOf(publicKey);
  return withKey(privateKey, keyOf(asked), [point, asked], (key, iv) => {
    const cipher = createCipheriv(CIPHER, key, iv);
    const bytes = secret.bytes();
    const sealed = Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    bytes.fill(0);
    return `${point}.${sealed.toString('base64url')}`;
  });
}

/** Both keys are made for one answer, so that key and nonce are used once. */
function withKey<T>(
  privateKey: KeyObject,
  publicKey: KeyObject,
  points: readonly string[],
  use: (key: Uint8Array, iv: Uint8Array) => T,
): T {
  const shared = diffieHellman({ privateKey, publicKey });
  const derived = new Uint8Array(hkdfSync('sha256', shared, '', points.join('.'), KEY + IV));
  shared.fill(0);
  try {
    return use(derived.subarray(0, KEY), derived.subarray(KEY));
  } finally {
    derived.fill(0);
  }
}

function pointOf(publicKey: KeyObject): string {
  return publicKey.export({ format: 'jwk' }).x ?? '';
}

function keyOf(point: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: point }, format: 'jwk' });
}
