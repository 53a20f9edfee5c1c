/**
 * The key by which SSH clients on this host know Hopline, whatever host they meant. It signs here alone.
 *
 * OpenSSH asks systemd/known-hosts about it, and takes it also where known_hosts has other keys of that name and type.
 * For other clients an administrator adds it to known_hosts beside the host's own: its type is one that hardly a host
 * has, since such clients often keep one key a type.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOnce } from '../core/key-file.ts';
import { replaceFile } from '../core/replace-file.ts';
import { fingerprint, mpint, wireString } from '../core/ssh-wire.ts';

/** RFC 5656 sections 3.1 and 10. */
const TYPE = 'ecdsa-sha2-nistp521';
const CURVE = 'nistp521';
/** Bytes of a coordinate, and of either half of a signature. */
const SIZE = 66;
export const HOST_KEY_FILE = 'ssh_host_ecdsa_key';
/** From SHA-1 to SHA-512. */
const [SHORTEST_HASH, LONGEST_HASH] = [20, 64];

export class SshHostKey {
  readonly #key: KeyObject;
  /** The blob. */
  readonly publicKey: Buffer;

  /**
   * @param directory of the daemon's state
   * @param publicDirectory where the public half is put for everybody to read
   * @throws Error where the file is there and is none
   */
  constructor(directory: string, publicDirectory: string | null = null) {
    this.#key = readOrMake(join(directory, 'keys'));
    const { x = '', y = '' } = createPublicKey(this.#key).export({ format: 'jwk' });
    const point = [x, y].map((each) => Buffer.from(each, 'base64url'));
    this.publicKey = Buffer.concat([
      wireString(TYPE),
      wireString(CURVE),
      wireString(Buffer.concat([Buffer.of(4), ...point])),
    ]);
    if (publicDirectory !== null)
      replaceFile(join(publicDirectory, `${HOST_KEY_FILE}.pub`), this.#shown, 0o644);
  }

  /** As it is behind the host in known_hosts. */
  get line(): string {
    return `${TYPE} ${this.publicKey.toString('base64')}`;
  }

  /** With its fingerprints as a comment, in the forms that ssh has for them: systemd/known-hosts compares those. */
  get #shown(): string {
    const md5 = createHash('md5').update(this.publicKey).digest('hex').match(/../g) ?? [];
    return `${this.line} ${fingerprint(this.publicKey)} MD5:${md5.join(':')}\n`;
  }

  /**
   * @param hash of a key exchange
   * @returns the signature as SSH sends it
   * @throws Error for what is none
   */
  sign(hash: Buffer): Buffer {
    if (hash.length < SHORTEST_HASH || hash.length > LONGEST_HASH)
      throw new Error('what is to be signed is no hash of a key exchange');
    const both = sign('sha512', hash, { key: this.#key, dsaEncoding: 'ieee-p1363' });
    const halves = [both.subarray(0, SIZE), both.subarray(SIZE)].map((half) => wireString(mpint(half)));
    return Buffer.concat([wireString(TYPE), wireString(Buffer.concat(halves))]);
  }
}

function readOrMake(directory: string): KeyObject {
  const path = join(directory, HOST_KEY_FILE);
  makeOnce(path, () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp521r1' });
    return privateKey.export({ type: 'pkcs8', format: 'pem' });
  });
  const key = createPrivateKey(readFileSync(path));
  if (key.asymmetricKeyDetails?.namedCurve === 'secp521r1') return key;
  throw new Error(`${path} is no key of ${TYPE}: remove it for a new one`);
}
