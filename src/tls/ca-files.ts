/** The two files of the authority: written whole or not at all, and read only where nobody else could have written or read them. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, lstat, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The authority cannot be used. `permissions`: others may read its key or replace it; `incomplete`: a certificate without
 * its key; `unreadable`: not a key, not a certificate; `mismatch`: they do not belong together; `expired`; `system`: what
 * the operating system said.
 */
export type CaErrorCode = 'permissions' | 'incomplete' | 'unreadable' | 'mismatch' | 'expired' | 'system';

export class CaError extends Error {
  override readonly name = 'CaError';
  readonly code: CaErrorCode;

  constructor(code: CaErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Far above any key or certificate of ours. */
const MAX_BYTES = 64 * 1024;
const OTHERS_WRITE = 0o022;
const OTHERS_ANY = 0o077;

/** @throws CaError where somebody else could put another key there */
export async function checkDirectory(directory: string): Promise<void> {
  const stat = await lstat(directory).catch((error: unknown) => {
    throw systemError(`cannot look at ${directory}`, error);
  });
  if (!stat.isDirectory()) throw new CaError('permissions', `${directory} is not a directory`);
  if (!trusted(stat.uid))
    throw new CaError('permissions', `${directory} belongs to uid ${stat.uid}: chown it to root`);
  if ((stat.mode & OTHERS_WRITE) !== 0)
    throw new CaError('permissions', `others may write to ${directory}: chmod go-w ${directory}`);
}

/**
 * @param secret refuse it where group or others have any permission on it
 * @returns null where there is no such file
 * @throws CaError
 */
export async function readOwned(path: string, secret: boolean): Promise<string | null> {
  let file: FileHandle;
  try {
    // A link or a FIFO in its place is refused without being followed or waited for.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    if (codeOf(error) === 'ELOOP') throw new CaError('permissions', `${path} is a symbolic link`);
    throw systemError(`cannot read ${path}`, error);
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new CaError('permissions', `${path} is not a file`);
    if (!trusted(stat.uid))
      throw new CaError('permissions', `${path} belongs to uid ${stat.uid}: chown it to root`);
    if (secret && (stat.mode & OTHERS_ANY) !== 0)
      throw new CaError(
        'permissions',
        `${path} may be read by others, so its key may be known to others: replace the authority, or chmod 600 ${path} if you know that nobody read it`,
      );
    if (!secret && (stat.mode & OTHERS_WRITE) !== 0)
      throw new CaError('permissions', `others may write to ${path}: chmod go-w ${path}`);
    if (stat.size > MAX_BYTES) throw new CaError('unreadable', `${path} has ${stat.size} bytes`);
    return await file.readFile('latin1');
  } catch (error) {
    if (error instanceof CaError) throw error;
    throw systemError(`cannot read ${path}`, error);
  } finally {
    await file.close();
  }
}

/**
 * Makes the file, whole or not at all. Race: where another process makes it at the same time, one of the two wins.
 * @returns false where it is there already; it is left as it is
 * @throws CaError
 */
export async function createOwned(
  directory: string,
  name: string,
  text: string,
  mode: number,
): Promise<boolean> {
  const temporary = join(directory, `.${name}.${randomBytes(8).toString('hex')}`);
  const path = join(directory, name);
  let made = false;
  try {
    const file = await open(temporary, 'wx', 0o600);
    made = true;
    try {
      await file.writeFile(text, 'latin1');
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(temporary, path);
    await syncDirectory(directory);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw systemError(`cannot write ${path}`, error);
  } finally {
    if (made) await unlink(temporary);
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function trusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

export function systemError(doing: string, error: unknown): CaError {
  return new CaError('system', `${doing}: ${codeOf(error) ?? String(error)}`);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
