/** Private keys in files: OpenSSH's own format, encrypted or not, and PEM. Read with ssh2's parser. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Secret } from '../../../core/secret.ts';

interface Parsed {
  getPrivatePEM(): string;
}

const { parseKey } = createRequire(import.meta.url)('ssh2/lib/protocol/keyParser.js') as {
  parseKey(text: string, passphrase?: string): Parsed | Parsed[] | Error;
};

/** The key is encrypted, and there is no passphrase or a wrong one. */
export class PassphraseError extends Error {
  override readonly name = 'PassphraseError';
}

/** @throws PassphraseError, or Error where it is no private key that is known */
export function parsePrivateKey(text: string, passphrase: Secret | null = null): KeyObject {
  const parsed = parseKey(text, passphrase?.reveal());
  if (parsed instanceof Error) {
    if (/passphrase|bad decrypt|integrity check/i.test(parsed.message))
      throw new PassphraseError(passphrase === null ? 'the key is encrypted' : 'the passphrase is wrong');
    throw new Error('no private key of a kind that is known');
  }
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined || key.getPrivatePEM() === null) throw new Error('no private key');
  return createPrivateKey(key.getPrivatePEM());
}
