/** A secret that is made once, and is the same afterwards. */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Puts it into a file of its own where there is none, for nobody else to read, on the disk when this returns.
 * @param make only called where there is no file
 * @returns false where there is one, which stays as it is
 */
export function makeOnce(path: string, make: () => Uint8Array | string): boolean {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (existsSync(path)) return false;
  const made = Buffer.from(make());
  try {
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, made);
    fsyncSync(file);
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
