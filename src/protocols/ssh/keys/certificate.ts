/** OpenSSH's certificates (PROTOCOL.certkeys, version 01 of each type), of hosts and of users. */
import type { KeyObject } from 'node:crypto';
import { WireError, WireReader, WireWriter } from '../../../core/ssh-wire.ts';
import { publicKeyFrom, readKey, verifies } from './public-key.ts';

export const USER = 1;
export const HOST = 2;
const SUFFIX = '-cert-v01@openssh.com';
/** SSHKEY_CERT_MAX_PRINCIPALS in OpenSSH's sshkey.h. */
const MOST_PRINCIPALS = 256;

export interface Certificate {
  /** Of the certified key: `ssh-ed25519`, … */
  readonly type: string;
  readonly key: KeyObject;
  /** The certified key's own blob. */
  readonly keyBlob: Buffer;
  readonly serial: bigint;
  readonly kind: number;
  readonly keyId: string;
  readonly principals: readonly string[];
  /** Seconds since 1970. */
  readonly validAfter: bigint;
  readonly validBefore: bigint;
  readonly criticalOptions: ReadonlyMap<string, Buffer>;
  /** The blob of the authority's key. */
  readonly signatureKey: Buffer;
}

/** @returns the type of the key inside, or null where `type` is that of a bare key */
export function certifiedType(type: string): string | null {
  return type.endsWith(SUFFIX) ? type.slice(0, -SUFFIX.length) : null;
}

export function certificateType(type: string): string {
  return `${type}${SUFFIX}`;
}

/** @throws WireError where it is malformed, or its signature is not that of the key that it names */
export function parseCertificate(blob: Buffer): Certificate {
  const reader = new WireReader(blob);
  const type = certifiedType(reader.text());
  if (type === null) throw new WireError('no certificate');
  reader.string(); // nonce
  const start = reader.at;
  const key = readKey(type, reader);
  const keyBlob = new WireWriter().string(type).raw(blob.subarray(start, reader.at)).bytes();
  const [serial, kind, keyId] = [reader.uint64(), reader.uint32(), reader.text()];
  const principals = readPrincipals(reader.string());
  const [validAfter, validBefore] = [reader.uint64(), reader.uint64()];
  const criticalOptions = readOptions(reader.string());
  reader.string(); // extensions
  reader.string(); // reserved
  const signatureKey = reader.string();
  const signed = blob.subarray(0, reader.at);
  const signature = reader.string();
  if (!reader.done) throw new WireError('bytes after the end of the certificate');
  const algorithm = new WireReader(signature).text();
  if (algorithm === 'ssh-rsa') throw new WireError('a certificate that is signed with SHA-1');
  if (!verifies(publicKeyFrom(signatureKey), algorithm, signed, signature))
    throw new WireError('a certificate whose signature is wrong');
  return {
    ...{ type, key, keyBlob, serial, kind, keyId, principals, validAfter, validBefore },
    ...{ criticalOptions, signatureKey },
  };
}

function readPrincipals(packed: Buffer): string[] {
  const reader = new WireReader(packed);
  const principals: string[] = [];
  while (!reader.done) {
    if (principals.length === MOST_PRINCIPALS) throw new WireError('more principals than OpenSSH takes');
    principals.push(reader.text());
  }
  return principals;
}

function readOptions(packed: Buffer): Map<string, Buffer> {
  const reader = new WireReader(packed);
  const options = new Map<string, Buffer>();
  while (!reader.done) options.set(reader.text(), reader.string());
  return options;
}
