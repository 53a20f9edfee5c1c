/** A file that is replaced whole: who reads it finds what was there, or what is. */
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** @param mode whatever the umask */
export function replaceFile(path: string, content: string, mode: number): void {
  const file = openSync(`${path}.new`, 'w', mode);
  try {
    fchmodSync(file, mode);
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
