/**
 * The key by which SSH clients on this host know Hopline: one line in the global known_hosts, for every host. It signs
 * here alone.
 *
 * Its type is one that hardly a host has: to ssh a host of whom only a key of another type is known is new, where one
 * with another key of the same type has changed (check_host_key in sshconnect.c). So hosts that Hopline does not
 * terminate stay what they are without it.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { mpint, wireString } from '../core/ssh-wire.ts';

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
   * @param publicDirectory where the public half is put for everybody to read; it is beside the key in any case
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
    for (const place of [join(directory, 'keys'), publicDirectory])
      if (place !== null)
        writeFileSync(join(place, `${HOST_KEY_FILE}.pub`), `${this.line}\n`, { mode: 0o644 });
  }

  /** As it is behind the host in known_hosts. */
  get line(): string {
    return `${TYPE} ${this.publicKey.toString('base64')}`;
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
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp521r1' });
    const made = privateKey.export({ type: 'pkcs8', format: 'pem' });
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, made.toString());
    fsyncSync(file);
    closeSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const key = createPrivateKey(readFileSync(path));
  if (key.asymmetricKeyDetails?.namedCurve === 'secp521r1') return key;
  throw new Error(`${path} is no key of ${TYPE}: remove it for a new one, and change the global known_hosts`);
}
