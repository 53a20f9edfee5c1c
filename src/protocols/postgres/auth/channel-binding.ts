/** tls-server-end-point (RFC 5929 section 4): the hash of the server's certificate. */
import { createHash } from 'node:crypto';

const SEQUENCE = 0x30;
const OBJECT_IDENTIFIER = 0x06;
const PSS = '2a864886f70d01010a';
const PSS_HASH = 0xa0;

/** By the contents of the object identifier. MD5 and SHA-1 are replaced by SHA-256. */
const HASHES: Readonly<Record<string, string>> = {
  // PKCS #1 (1.2.840.113549.1.1)
  '2a864886f70d010104': 'sha256',
  '2a864886f70d010105': 'sha256',
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a864886f70d01010e': 'sha224',
  // ECDSA (1.2.840.10045.4)
  '2a8648ce3d0401': 'sha256',
  '2a8648ce3d040301': 'sha224',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
  // DSA with SHA-224 and SHA-256
  '608648016503040301': 'sha224',
  '608648016503040302': 'sha256',
  // The hashes themselves, in the parameters of RSASSA-PSS
  '2b0e03021a': 'sha256',
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
  '608648016503040204': 'sha224',
};

/**
 * @param certificate DER
 * @returns null where its signature has no hash of its own (Ed25519, Ed448) or none that is known: the binding is
 *   undefined for it, and neither side can offer it
 */
export function tlsServerEndPoint(certificate: Buffer): Buffer | null {
  const hash = signatureHash(certificate);
  return hash === null ? null : createHash(hash).update(certificate).digest();
}

/** Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature } (RFC 5280 section 4.1). */
function signatureHash(der: Buffer): string | null {
  const certificate = read(der, 0);
  if (certificate?.tag !== SEQUENCE) return null;
  const body = certificate.contents;
  const signed = read(body, 0);
  const algorithm = signed === null ? null : read(body, signed.next);
  if (algorithm?.tag !== SEQUENCE) return null;
  const [name, parameters] = objectAndRest(algorithm.contents);
  if (name === PSS) return pssHash(parameters);
  return hashOf(name);
}

/** RSASSA-PSS-params (RFC 4055 section 3.1): [0] the hash, SHA-1 where it is left out. */
function pssHash(parameters: Buffer): string | null {
  const sequence = read(parameters, 0);
  if (sequence?.tag !== SEQUENCE) return null;
  const first = read(sequence.contents, 0);
  if (first?.tag !== PSS_HASH) return 'sha256';
  const algorithm = read(first.contents, 0);
  if (algorithm?.tag !== SEQUENCE) return null;
  return hashOf(objectAndRest(algorithm.contents)[0]);
}

function hashOf(name: string): string | null {
  return Object.hasOwn(HASHES, name) ? (HASHES[name] ?? null) : null;
}

function objectAndRest(bytes: Buffer): [name: string, rest: Buffer] {
  const object = read(bytes, 0);
  if (object?.tag !== OBJECT_IDENTIFIER) return ['', bytes];
  return [object.contents.toString('hex'), bytes.subarray(object.next)];
}

interface Element {
  readonly tag: number;
  readonly contents: Buffer;
  /** Where the next one begins. */
  readonly next: number;
}

/** One DER element (X.690 section 8.1), within its buffer. */
function read(bytes: Buffer, at: number): Element | null {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined) return null;
  let length = first;
  let start = at + 2;
  if (first > 0x80) {
    const size = first - 0x80;
    if (size > 4 || start + size > bytes.length) return null;
    length = bytes.readUIntBE(start, size);
    start += size;
  }
  const next = start + length;
  if (first === 0x80 || next > bytes.length) return null;
  return { tag, contents: bytes.subarray(start, next), next };
}
