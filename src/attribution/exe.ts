import { closeSync, fstatSync, openSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';

export interface Exe {
  readonly path: string;
  /** False where only the name given to execve is known. */
  readonly verified: boolean;
}

/** The file that a process runs, as the kernel tells it at execve. */
export interface ExeFile {
  readonly pid: number;
  /** Of the file system, as the kernel numbers it. */
  readonly dev: number;
  readonly ino: bigint;
  /** In its directory entry. */
  readonly name: string;
  readonly filename: string;
  readonly deleted: boolean;
}

interface Known {
  readonly path: string;
  /** As stat(2) gives it, which is not always the file system's own. */
  readonly dev: bigint;
}

const CACHE_LIMIT = 4096;
/** O_PATH (open(2)): holds the file without opening it, whatever it is. */
const O_PATH = 0o10000000;

/**
 * Finds the path of the file that a process runs. /proc says where it is, if the process is still there, and the name
 * given to execve where it is not. By then the process may run another program, and another file may lie under the
 * name, so a path is believed only of the very file that was executed: its inode and its file system.
 *
 * Known gap: subvolumes of one btrfs are one file system with the same inode numbers several times over.
 */
export class ExeResolver {
  readonly #known = new Map<string, Known>();

  resolve(file: ExeFile): Exe {
    const key = `${file.dev}:${file.ino}`;
    const known = this.#known.get(key);
    if (known && !file.deleted && basename(known.path) === file.name) {
      const stat = statOf(known.path);
      if (stat?.ino === file.ino && stat.dev === known.dev) return { path: known.path, verified: true };
      this.#known.delete(key);
    }
    const candidates = [
      `/proc/${file.pid}/exe`,
      filenamed(file),
      `/usr/bin/${file.name}`,
      `/usr/sbin/${file.name}`,
    ];
    for (const candidate of candidates) {
      const found = candidate === null ? null : look(candidate, file);
      if (!found) continue;
      if (!file.deleted) this.#remember(key, found);
      return { path: found.path, verified: true };
    }
    const named = file.filename.startsWith('/') && basename(file.filename) === file.name;
    return { path: named ? file.filename : file.name, verified: false };
  }

  #remember(key: string, known: Known): void {
    if (this.#known.size >= CACHE_LIMIT) this.#known.clear();
    this.#known.set(key, known);
  }
}

/** Held open, so that its path and its inode are those of one file. @returns null where it is not the one looked for */
function look(path: string, file: ExeFile): Known | null {
  let fd: number | null = null;
  try {
    fd = openSync(path, O_PATH);
    const { ino, dev } = fstatSync(fd, { bigint: true });
    if (ino !== file.ino) return null;
    const here = readlinkSync(`/proc/self/fd/${fd}`);
    if (basename(here).replace(/ \(deleted\)$/, '') !== file.name) return null;
    const same = numbered(dev) === file.dev || mountedDevice(fd, file.pid) === file.dev;
    return same ? { path: here, dev } : null;
  } catch {
    return null;
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** A device number as stat(2) gives it, as the kernel itself counts (new_decode_dev in linux/kdev_t.h). */
function numbered(dev: bigint): number {
  const major = (dev >> 8n) & 0xfffn;
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xfff00n);
  return Number((major << 20n) | minor);
}

/**
 * The file system's own number where stat(2) tells another, as on overlayfs and btrfs: that of the mount
 * (proc_pid_mountinfo(5)), which may be one that only the process has.
 */
function mountedDevice(fd: number, pid: number): number | null {
  const mount = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
  for (const process of ['self', pid]) {
    const text = read(`/proc/${process}/mountinfo`);
    const [, major, minor] = new RegExp(`^${mount} \\d+ (\\d+):(\\d+) `, 'm').exec(text) ?? [];
    if (major && minor) return Number(major) * 2 ** 20 + Number(minor);
  }
  return null;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function filenamed({ filename }: ExeFile): string | null {
  try {
    return filename.startsWith('/') ? realpathSync(filename) : null;
  } catch {
    return null;
  }
}

function statOf(path: string) {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return null;
  }
}
