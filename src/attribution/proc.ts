/** What /proc tells of one process (proc(5)). Every reader returns null when the process has gone. */
import { readFileSync, readlinkSync } from 'node:fs';
import type { Endpoint } from '../core/types.ts';

/** `/dev/pts/N` or `/dev/ttyN` of a device number as stat reports it; null for anything else. */
export function ttyPath(device: number): string | null {
  const major = (device >> 8) & 0xfff;
  const minor = (device & 0xff) | ((device >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `/dev/pts/${(major - 136) * 256 + minor}`;
  if (major === 4 && minor < 64) return `/dev/tty${minor}`;
  return null;
}

export function readCmdline(pid: number): Buffer | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`);
  } catch {
    return null;
  }
}

export function readExe(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return null;
  }
}

/**
 * The client of the login that `pid` serves, from the environment that sshd gave its first program. A
 * person's command may have changed it for the next one, so it is what is said, not what is known.
 */
export function sshConnection(pid: number): Endpoint | null {
  const value = environ(pid)
    ?.split('\0')
    .find((entry) => entry.startsWith('SSH_CONNECTION='));
  const [address, port] = value?.slice('SSH_CONNECTION='.length).split(' ') ?? [];
  return address && Number(port) > 0 ? { address, port: Number(port) } : null;
}

/**
 * Whether the environment is one that sshd gives to what a person runs: SSH_CLIENT is set there alone. What pam_exec
 * executes has SSH_CONNECTION from PAM's own list, and what other modules execute has neither.
 * @returns null where the process has gone
 */
export function isSessionEnviron(pid: number): boolean | null {
  const text = environ(pid);
  if (!text) return null;
  const has = (name: string) => text.startsWith(`${name}=`) || text.includes(`\0${name}=`);
  return has('SSH_CLIENT') || (has('SSH_CONNECTION') && !has('PAM_TYPE'));
}

const TRIES = 20;
const PAUSE_MS = 0.1;
const pause = new Int32Array(new SharedArrayBuffer(4));

/** Empty for a moment while the process executes its next program: that is waited for, two milliseconds at most. */
function environ(pid: number): string | null {
  for (let attempt = 1; ; attempt++) {
    const text = read(`/proc/${pid}/environ`);
    if (text !== '' || attempt === TRIES) return text;
    Atomics.wait(pause, 0, 0, PAUSE_MS);
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
