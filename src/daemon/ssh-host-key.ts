/** The key by which SSH clients on this host know Hopline: one line in the global known_hosts. It signs here alone. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { wireString } from '../core/ssh-wire.ts';

const TYPE = 'ssh-ed25519';
export const HOST_KEY_FILE = 'ssh_host_ed25519_key';
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
    const { x } = createPublicKey(this.#key).export({ format: 'jwk' });
    this.publicKey = Buffer.concat([wireString(TYPE), wireString(Buffer.from(x ?? '', 'base64url'))]);
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
    return Buffer.concat([wireString(TYPE), wireString(sign(null, hash, this.#key))]);
  }
}

function readOrMake(directory: string): KeyObject {
  const path = join(directory, HOST_KEY_FILE);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    const made = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, made.toString());
    fsyncSync(file);
    closeSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const key = createPrivateKey(readFileSync(path));
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new Error(`${path} is no Ed25519 key: remove it for a new one, and change the global known_hosts`);
}
