/** Private keys in files: OpenSSH's own format, encrypted or not, and PEM. Read with ssh2's parser. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Secret } from '../../../core/secret.ts';
import { WireError, WireReader } from '../../../core/ssh-wire.ts';

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

const MAGIC = 'openssh-key-v1\0';

/** The public key that a file in OpenSSH's format has beside the private one, encrypted or not (PROTOCOL.key). */
export function publicHalf(text: string): Buffer | null {
  const [, body] = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(text) ?? [];
  const bytes = Buffer.from(body ?? '', 'base64');
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return null;
  try {
    const reader = new WireReader(bytes, MAGIC.length);
    for (const _ of ['ciphername', 'kdfname', 'kdfoptions']) reader.string();
    return reader.uint32() === 1 ? reader.string() : null;
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
