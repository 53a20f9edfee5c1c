/**
 * The authority that certifies keys for SSH targets: hosts that name it in TrustedUserCAKeys (sshd_config(5)) take who
 * Hopline brings. A new key is made first, told to the hosts, and used then, so that nobody is locked out in between.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { makeOnce } from '../core/key-file.ts';
import { type KeyId, writeKeyId } from '../core/key-id.ts';
import { fingerprint } from '../core/ssh-wire.ts';
import { blobOf, keyType } from '../protocols/ssh/keys/public-key.ts';
import { signCertificate } from './certificate.ts';

/** It has to begin a connection, not to last through it. Seconds. */
const LIFETIME = 120;
const FILE = 'ssh_ca_ed25519_key';
const NEXT = `${FILE}.next`;

/** A key of the authority's, as hosts have to know it. */
export interface AuthorityKey {
  /** For a line of the file that TrustedUserCAKeys names. */
  readonly line: string;
  readonly fingerprint: string;
  /** `signs`: certificates are issued with it. `next`: they will be. */
  readonly use: 'signs' | 'next';
}

export interface Certified {
  /** The certificate's blob. */
  readonly certificate: Buffer;
  readonly serial: bigint;
}

export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
}

export class SshCa {
  readonly #directory: string;
  #key: KeyObject | null = null;

  /** @param state the directory of the daemon's state */
  constructor(state: string) {
    this.#directory = join(state, 'keys');
  }

  /** The first is made when it is asked for. @throws Error where a file is there and is none */
  keys(): AuthorityKey[] {
    const next = this.#path(NEXT);
    return [
      described(this.#signing(), 'signs'),
      ...(existsSync(next) ? [described(readKey(next), 'next')] : []),
    ];
  }

  /** Makes the next key. @throws AuthorityError where there is one */
  prepare(): AuthorityKey[] {
    this.#signing();
    if (!make(this.#path(NEXT)))
      throw new AuthorityError('there is a next key: hopline ca rotate --use signs with it');
    return this.keys();
  }

  /** Signs with the next key from here on, and forgets the one before. @throws AuthorityError where there is none */
  use(): AuthorityKey[] {
    const next = this.#path(NEXT);
    if (!existsSync(next))
      throw new AuthorityError(
        'there is no next key: hopline ca rotate makes one, to be told to the hosts first',
      );
    const key = readKey(next);
    renameSync(next, this.#path(FILE));
    this.#key = key;
    return this.keys();
  }

  /**
   * @param subject the blob of a key of type ssh-ed25519
   * @param account at the host
   * @throws Error for what no certificate should have
   */
  certify(subject: Buffer, account: string, id: KeyId): Certified {
    const serial = randomBytes(8).readBigUInt64BE();
    const certificate = signCertificate(this.#signing(), subject, {
      ...{ principal: account, keyId: writeKeyId(id), serial },
      ...{ now: Math.floor(Date.now() / 1000), lifetime: LIFETIME, sourceAddress: null },
    });
    return { certificate, serial };
  }

  #signing(): KeyObject {
    if (this.#key === null) {
      const path = this.#path(FILE);
      make(path);
      this.#key = readKey(path);
    }
    return this.#key;
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }
}

/** @returns false where it is there */
function make(path: string): boolean {
  return makeOnce(path, () =>
    generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );
}

function readKey(path: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(path));
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
  }
  throw new Error(
    `${path} is no Ed25519 key in PEM: put it back, or remove it for a new one that hosts have to be told`,
  );
}

function described(key: KeyObject, use: AuthorityKey['use']): AuthorityKey {
  const blob = blobOf(key);
  return { line: `${keyType(blob)} ${blob.toString('base64')}`, fingerprint: fingerprint(blob), use };
}
