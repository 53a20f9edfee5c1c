/** A person's private keys in files, those that are encrypted once they have been unlocked. */
import type { KeyObject } from 'node:crypto';
import type { Secret } from '../core/secret.ts';
import { PassphraseError, parsePrivateKey, publicHalf } from '../protocols/ssh/keys/private-key.ts';
import { blobOf } from '../protocols/ssh/keys/public-key.ts';
import { keyFiles } from './files.ts';

export interface Found {
  readonly path: string;
  readonly text: string;
  /** Null: it is encrypted. */
  readonly key: KeyObject | null;
}

interface Where {
  readonly home: string | null;
  readonly identities: readonly string[];
}

export class KeyFiles {
  readonly #where: Where;
  /** By the blob of the public key, in base64. */
  readonly #unlocked = new Map<string, Found>();

  constructor(where: Where) {
    this.#where = where;
  }

  /** The file that has the private half of a key. */
  async find(blob: Buffer): Promise<Found | null> {
    const known = this.#unlocked.get(blob.toString('base64'));
    if (known !== undefined) return known;
    const { home, identities } = this.#where;
    for await (const { path, text, publicKey } of keyFiles(home, identities)) {
      if (publicKey !== null && !publicKey.equals(blob)) continue;
      try {
        const key = parsePrivateKey(text);
        if (blobOf(key).equals(blob)) return { path, text, key };
      } catch (error) {
        // What is of no kind that is known is not to be had.
        if (error instanceof PassphraseError && (publicKey ?? publicHalf(text))?.equals(blob))
          return { path, text, key: null };
      }
    }
    return null;
  }

  /** Where the passphrase is wrong, it stays as it is. */
  async unlock(blob: Buffer, passphrase: Secret): Promise<void> {
    const found = await this.find(blob);
    if (found === null || found.key !== null) return;
    try {
      const key = parsePrivateKey(found.text, passphrase);
      if (blobOf(key).equals(blob)) this.#unlocked.set(blob.toString('base64'), { ...found, key });
    } catch (error) {
      if (!(error instanceof PassphraseError)) throw error;
    }
  }
}
