/** The key of masks that only the same value gets: made once, so that they are the same tomorrow. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const BYTES = 32;

/**
 * @param directory of the daemon's state
 * @returns base64
 * @throws Error where the file is there and not as long as it was made
 */
export function maskKey(directory: string): string {
  const keys = join(directory, 'keys');
  const path = join(keys, 'mask.key');
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  try {
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, randomBytes(BYTES));
    fsyncSync(file);
    closeSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const key = readFileSync(path);
  if (key.length === BYTES) return key.toString('base64');
  throw new Error(
    `${path} has ${key.length} bytes where ${BYTES} are right: remove it for a new one, which makes other masks of the same values`,
  );
}
