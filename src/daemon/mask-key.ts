/** The key of masks that only the same value gets: made once, so that they are the same tomorrow. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeOnce } from '../core/key-file.ts';

const BYTES = 32;

/**
 * @param directory of the daemon's state
 * @returns base64
 * @throws Error where the file is there and not as long as it was made
 */
export function maskKey(directory: string): string {
  const path = join(directory, 'keys', 'mask.key');
  makeOnce(path, () => randomBytes(BYTES));
  const key = readFileSync(path);
  if (key.length === BYTES) return key.toString('base64');
  throw new Error(
    `${path} has ${key.length} bytes where ${BYTES} are right: remove it for a new one, which makes other masks of the same values`,
  );
}
