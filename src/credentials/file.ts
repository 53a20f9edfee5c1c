/** Secrets in files: a password each, read anew for every hop, so that a changed file counts at once. */
import { isUtf8 } from 'node:buffer';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Secret } from '../core/secret.ts';
import { CredentialError, type CredentialSource, type Held } from './credential.ts';

export interface FileRules {
  /** Permission bits that the file must not have. */
  readonly forbidden: number;
}

/** Nobody but its owner, which is root or the daemon's own user. */
export const OWNER_ONLY: FileRules = { forbidden: 0o077 };
/** Its group may read it, as files are that systemd and token helpers write. */
export const NOT_OTHERS: FileRules = { forbidden: 0o037 };

/** Tokens of AWS have 2 kB, those of Vault less. */
const MAX_BYTES = 16 * 1024;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/;

/**
 * The file's text without a line end at its end.
 * @throws CredentialError
 */
export async function readSecretFile(path: string, rules: FileRules = OWNER_ONLY): Promise<Secret> {
  const buffer = Buffer.alloc(MAX_BYTES + 1);
  try {
    return secretOf(path, await readInto(path, rules, buffer));
  } finally {
    buffer.fill(0);
  }
}

/** A password in a file. */
export function fileSource(path: string, user: string | null = null): CredentialSource {
  return fromFile(`file ${path}`, path, user, OWNER_ONLY);
}

/**
 * A password that systemd gave to the unit (LoadCredential=, LoadCredentialEncrypted=).
 * @param env the daemon's environment
 * @throws CredentialError `settings` for what cannot be the name of one
 */
export function systemdSource(
  name: string,
  user: string | null = null,
  env: NodeJS.ProcessEnv = process.env,
): CredentialSource {
  if (!NAME.test(name))
    throw new CredentialError('settings', `${JSON.stringify(name.slice(0, 80))} is no name of a credential`);
  const directory = env.CREDENTIALS_DIRECTORY;
  if (directory === undefined || !directory.startsWith('/'))
    throw new CredentialError(
      'missing',
      `no credential ${name}: systemd gave none to this service (LoadCredential=${name}:PATH in its unit)`,
    );
  return fromFile(`systemd credential ${name}`, join(directory, name), user, NOT_OTHERS);
}

function fromFile(
  description: string,
  path: string,
  user: string | null,
  rules: FileRules,
): CredentialSource {
  return {
    description,
    async acquire(): Promise<Held> {
      const password = await readSecretFile(path, rules);
      return { user, password, validUntil: null, release: () => password.clear() };
    },
    refused() {},
    async close() {},
  };
}

async function readInto(path: string, rules: FileRules, buffer: Buffer): Promise<Buffer> {
  let file: FileHandle;
  try {
    // Threat: a link or a FIFO in its place; neither is followed or waited for.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    throw systemError(path, error);
  }
  try {
    const stat = await file.stat();
    const { uid, mode } = stat;
    if (!stat.isFile()) throw new CredentialError('permissions', `${path} is not a file`);
    if (uid !== 0 && uid !== process.geteuid?.())
      throw new CredentialError('permissions', `${path} belongs to uid ${uid}: chown root ${path}`);
    if ((mode & rules.forbidden) !== 0)
      throw new CredentialError('permissions', `others may read or write ${path}: chmod 600 ${path}`);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) break;
    }
    if (length > MAX_BYTES)
      throw new CredentialError('malformed', `${path} is longer than ${MAX_BYTES} bytes`);
    return buffer.subarray(0, length);
  } catch (error) {
    if (error instanceof CredentialError) throw error;
    throw systemError(path, error);
  } finally {
    await file.close();
  }
}

function secretOf(path: string, bytes: Buffer): Secret {
  let end = bytes.length;
  if (bytes[end - 1] === 0x0a) end -= 1;
  if (bytes[end - 1] === 0x0d) end -= 1;
  if (end === 0) throw new CredentialError('malformed', `${path} is empty`);
  const text = bytes.subarray(0, end);
  if (text.includes(0)) throw new CredentialError('malformed', `${path} has a zero byte in it`);
  if (!isUtf8(text)) throw new CredentialError('malformed', `${path} is not UTF-8`);
  return new Secret(text);
}

function systemError(path: string, error: unknown): CredentialError {
  if (!(error instanceof Error && 'errno' in error && 'code' in error)) throw error;
  const code = String(error.code);
  if (code === 'ENOENT') return new CredentialError('missing', `there is no file ${path}`);
  if (code === 'ELOOP') return new CredentialError('permissions', `${path} is a symbolic link`);
  return new CredentialError('permissions', `cannot read ${path}: ${code}`);
}
