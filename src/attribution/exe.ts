import { readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';

export interface Exe {
  readonly path: string;
  /** False where only the name given to execve is known. */
  readonly verified: boolean;
}

const CACHE_LIMIT = 4096;

/**
 * Finds the path of the file that a process runs. The kernel says which file it is (device, inode and
 * the name in its directory entry); /proc says where, if the process is still there; what was found is
 * kept by inode, and believed as long as the name agrees.
 */
export class ExeResolver {
  readonly #known = new Map<string, string>();

  resolve(file: {
    pid: number;
    dev: number;
    ino: bigint;
    name: string;
    filename: string;
    deleted: boolean;
  }): Exe {
    const key = `${file.dev}:${file.ino}`;
    const known = this.#known.get(key);
    if (known !== undefined && !file.deleted && basename(known) === file.name)
      return { path: known, verified: true };
    const path = this.#fromProc(file.pid);
    if (path !== null && basename(path).replace(/ \(deleted\)$/, '') === file.name) {
      if (!file.deleted) this.#remember(key, path);
      return { path, verified: true };
    }
    for (const candidate of [realPath(file.filename), `/usr/bin/${file.name}`, `/usr/sbin/${file.name}`]) {
      if (
        file.deleted ||
        candidate === null ||
        basename(candidate) !== file.name ||
        inode(candidate) !== file.ino
      )
        continue;
      this.#remember(key, candidate);
      return { path: candidate, verified: true };
    }
    if (file.filename.startsWith('/') && basename(file.filename) === file.name)
      return { path: file.filename, verified: false };
    return { path: file.name, verified: false };
  }

  #fromProc(pid: number): string | null {
    try {
      return readlinkSync(`/proc/${pid}/exe`);
    } catch {
      return null;
    }
  }

  #remember(key: string, path: string): void {
    if (this.#known.size >= CACHE_LIMIT) this.#known.clear();
    this.#known.set(key, path);
  }
}

function realPath(filename: string): string | null {
  try {
    return filename.startsWith('/') ? realpathSync(filename) : null;
  } catch {
    return null;
  }
}

function inode(path: string): bigint | null {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null;
}
