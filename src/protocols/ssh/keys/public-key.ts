/**
 * Public keys as SSH has them, and signatures with them: RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8332,
 * RFC 8709.
 */
import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { mpint, WireError, WireReader, WireWriter } from '../../../core/ssh-wire.ts';

const ED25519 = 'ssh-ed25519';
const RSA = 'ssh-rsa';
const MIN_RSA_BITS = 1024;

interface Curve {
  readonly jwk: string;
  readonly hash: string;
  /** Bytes of a coordinate. */
  readonly size: number;
}

const CURVES: Readonly<Record<string, Curve>> = {
  nistp256: { jwk: 'P-256', hash: 'sha256', size: 32 },
  nistp384: { jwk: 'P-384', hash: 'sha384', size: 48 },
  nistp521: { jwk: 'P-521', hash: 'sha512', size: 66 },
};

const RSA_HASHES: Readonly<Record<string, string>> = {
  'rsa-sha2-512': 'sha512',
  'rsa-sha2-256': 'sha256',
  'ssh-rsa': 'sha1',
};

/** The name in a key's blob. @throws WireError */
export function keyType(blob: Buffer): string {
  return new WireReader(blob).text();
}

/** Algorithms that a key of this type signs by, best first. */
export function signatureAlgorithms(type: string): readonly string[] {
  return type === RSA ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [type];
}

/** @throws WireError where it is no whole public key of a type that can be verified here */
export function publicKeyFrom(blob: Buffer): KeyObject {
  const reader = new WireReader(blob);
  const type = reader.text();
  const key = readKey(type, reader);
  if (!reader.done) throw new WireError('bytes after the end of the key');
  return key;
}

/** Reads the fields behind a key's type name. */
export function readKey(type: string, reader: WireReader): KeyObject {
  try {
    if (type === ED25519)
      return createPublicKey({
        key: { kty: 'OKP', crv: 'Ed25519', x: reader.string().toString('base64url') },
        format: 'jwk',
      });
    if (type === RSA) {
      const [e, n] = [reader.string(), reader.string()];
      const key = createPublicKey({
        key: { kty: 'RSA', e: unsigned(e), n: unsigned(n) },
        format: 'jwk',
      });
      if ((key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS)
        throw new WireError(`an RSA key of fewer than ${MIN_RSA_BITS} bits`);
      return key;
    }
    return readEcdsa(type, reader);
  } catch (error) {
    if (error instanceof WireError) throw error;
    throw new WireError(`no ${type} key: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function readEcdsa(type: string, reader: WireReader): KeyObject {
  const name = type.replace(/^ecdsa-sha2-/, '');
  const curve = CURVES[name];
  if (curve === undefined || type !== `ecdsa-sha2-${name}`)
    throw new WireError('a key of a type that is not known here');
  if (reader.text() !== name) throw new WireError('an ECDSA key whose curve is not that of its type');
  const point = reader.string();
  if (point.length !== 1 + 2 * curve.size || point[0] !== 4)
    throw new WireError('an ECDSA key whose point is none, or compressed');
  const x = point.subarray(1, 1 + curve.size).toString('base64url');
  const y = point.subarray(1 + curve.size).toString('base64url');
  return createPublicKey({ key: { kty: 'EC', crv: curve.jwk, x, y }, format: 'jwk' });
}

/** @returns the blob of a public key, or of a private key's public half */
export function blobOf(key: KeyObject): Buffer {
  const jwk = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' });
  const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url');
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519')
    return new WireWriter().string(ED25519).string(bytes(jwk.x)).bytes();
  if (jwk.kty === 'RSA') return new WireWriter().string(RSA).mpint(bytes(jwk.e)).mpint(bytes(jwk.n)).bytes();
  const [name] = Object.entries(CURVES).find(([, { jwk: crv }]) => crv === jwk.crv) ?? [];
  if (jwk.kty !== 'EC' || name === undefined) throw new WireError('a key of a type that SSH does not have');
  const point = Buffer.concat([Buffer.of(4), bytes(jwk.x), bytes(jwk.y)]);
  return new WireWriter().string(`ecdsa-sha2-${name}`).string(name).string(point).bytes();
}

/** @returns the signature as SSH sends it: the algorithm's name and its own format */
export function signWith(key: KeyObject, algorithm: string, data: Buffer): Buffer {
  return new WireWriter()
    .string(algorithm)
    .string(rawSignature(key, algorithm, data))
    .bytes();
}

function rawSignature(key: KeyObject, algorithm: string, data: Buffer): Buffer {
  if (algorithm === ED25519) return sign(null, data, key);
  const hash = RSA_HASHES[algorithm];
  if (hash !== undefined) return sign(hash, data, key);
  const curve = CURVES[algorithm.replace(/^ecdsa-sha2-/, '')];
  if (curve === undefined) throw new WireError(`no signature of algorithm ${algorithm}`);
  const both = sign(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' });
  return new WireWriter().mpint(both.subarray(0, curve.size)).mpint(both.subarray(curve.size)).bytes();
}

/**
 * @param signature as SSH sends it
 * @param algorithm the one that it has to be of
 * @throws WireError where it is malformed or of another algorithm
 */
export function verifies(key: KeyObject, algorithm: string, data: Buffer, signature: Buffer): boolean {
  const reader = new WireReader(signature);
  const named = reader.text();
  if (named !== algorithm) throw new WireError(`a signature of ${named} where ${algorithm} was agreed`);
  const raw = reader.string();
  if (!reader.done) throw new WireError('bytes after the end of the signature');
  if (algorithm === ED25519) return key.asymmetricKeyType === 'ed25519' && verify(null, data, key, raw);
  const hash = RSA_HASHES[algorithm];
  if (hash !== undefined) return key.asymmetricKeyType === 'rsa' && verify(hash, data, key, raw);
  const curve = CURVES[algorithm.replace(/^ecdsa-sha2-/, '')];
  if (curve === undefined || key.asymmetricKeyType !== 'ec') return false;
  const numbers = new WireReader(raw);
  const both = [numbers.string(), numbers.string()].map((number) => padded(number, curve.size));
  return verify(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' }, Buffer.concat(both));
}

function padded(number: Buffer, size: number): Buffer {
  const bare = number[0] === 0 ? number.subarray(1) : number;
  if (bare.length > size) throw new WireError('a number that is too large for its curve');
  return Buffer.concat([Buffer.alloc(size - bare.length), bare]);
}

function unsigned(number: Buffer): string {
  const value = mpint(number);
  return (value[0] === 0 ? value.subarray(1) : value).toString('base64url');
}
