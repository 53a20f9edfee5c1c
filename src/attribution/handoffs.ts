import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { HandoffKind } from '../core/types.ts';

const ENGINES = /(?:^|\/)(?:docker|containerd|podman|crio|buildkitd|cri-dockerd|lxd\/unix)(?:\/[\w-]+)*\.?(?:sock|socket)?$/;

/**
 * What kind of handoff a Unix socket is, from its path and the program that serves it.
 * @param server label of the listening program, where it is known
 */
export function handoffKind(path: string, server: string | null): HandoffKind {
  const program = server?.split(' ')[0] ?? '';
  if (ENGINES.test(path) || /^(?:dockerd|containerd|podman|crio|lxd|buildkitd)$/.test(program)) return 'container-engine';
  if (/^tmux(?::.*)?$/.test(program) || /(?:^|\/)tmux-\d+\//.test(path) || program === 'screen') return 'tmux';
  if (program === 'ssh-agent' || program === 'gpg-agent' || /\/ssh-[^/]+\/agent\.\d+$|[./]agent[^/]*$/.test(path)) return 'ssh-agent';
  if (program === 'ssh') return 'controlmaster';
  return 'unix-socket';
}

/** The socket's path; an abstract name starts with `@` (unix(7)). */
export function socketPath(bytes: Uint8Array): string {
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (raw[0] === 0) return `@${raw.toString('utf8', 1).replace(/\0+$/, '')}`;
  const end = raw.indexOf(0);
  return raw.toString('utf8', 0, end < 0 ? raw.length : end);
}

/**
 * Who holds the listening end of a Unix socket, where the process that called listen() has gone (an
 * ssh-agent forks after it). Reads /proc/net/unix for the socket's inode, then the descriptors of
 * `candidates`.
 * @returns the first holder's pid, or null
 */
export function holderOf(path: string, netnsOf: number, candidates: Iterable<number>): number | null {
  let inode: string | null = null;
  try {
    for (const line of readFileSync(`/proc/${netnsOf}/net/unix`, 'utf8').split('\n')) {
      const [, , , flags, , , number, ...name] = line.trim().split(/\s+/);
      if (flags === '00010000' && number && name.join(' ') === path) inode = number;
    }
  } catch {
    return null;
  }
  if (inode === null) return null;
  for (const pid of candidates) if (holds(pid, `socket:[${inode}]`)) return pid;
  return null;
}

function holds(pid: number, link: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`) === link;
      } catch {
        return false;
      }
    });
  } catch {
    return false;
  }
}
