import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';

export interface FileFacts {
  readonly kind: 'file' | 'directory' | 'socket' | 'other';
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** What the checks look at; tests hand in another machine. */
export interface DoctorSystem {
  readonly socket: string;
  readonly config: string;
  readonly uid: number;
  /** Kernel release: `6.1.0-18-amd64`. */
  release(): string;
  /** Null where it cannot be read. */
  read(path: string): string | null;
  stat(path: string): FileFacts | null;
  executable(path: string): boolean;
  /** Null where the program is not there; its output, both streams, otherwise. */
  run(program: string, args: readonly string[]): { readonly status: number; readonly output: string } | null;
  /** Null when the library loads, else why not. */
  loads(library: string): Promise<string | null>;
  /** The daemon's pid, or why it does not answer. */
  daemon(): Promise<{ readonly pid: number; readonly version: string } | string>;
}

export function createSystem(options: { socket: string; config: string }): DoctorSystem {
  return {
    ...options,
    uid: process.getuid?.() ?? -1,
    release,
    read(path) {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return null;
      }
    },
    stat(path) {
      const found = existsSync(path) ? statSync(path) : null;
      if (found === null) return null;
      const kind = found.isFile()
        ? 'file'
        : found.isDirectory()
          ? 'directory'
          : found.isSocket()
            ? 'socket'
            : 'other';
      return { kind, mode: found.mode & 0o7777, uid: found.uid, gid: found.gid };
    },
    executable(path) {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    },
    run(program, args) {
      const { status, stdout, stderr, error } = spawnSync(program, args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 5000,
      });
      if (error !== undefined && 'code' in error && error.code === 'ENOENT') return null;
      return { status: status ?? 255, output: error === undefined ? `${stdout}${stderr}` : error.message };
    },
    async loads(library) {
      try {
        const { default: koffi } = await import('koffi');
        koffi.load(library);
        return null;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
    async daemon() {
      try {
        const { ControlClient } = await import('../api/client.ts');
        using client = await ControlClient.connect({ path: options.socket, timeoutMs: 5000 });
        const { pid, version } = await client.call('status', {});
        return { pid, version };
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
}
