import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { HandoffKind } from '../core/types.ts';

const ENGINES =
  /(?:^|\/)(?:docker|containerd|podman|crio|buildkitd|cri-dockerd|lxd\/unix)(?:\/[\w-]+)*\.?(?:sock|socket)?$/;

/**
 * What kind of handoff a Unix socket is, from its path and the program that serves it.
 * @param server label of the listening program, where it is known
 */
export function handoffKind(path: string, server: string | null): HandoffKind {
  const program = server?.split(' ')[0] ?? '';
  if (ENGINES.test(path) || /^(?:dockerd|containerd|podman|crio|lxd|buildkitd)$/.test(program))
    return 'container-engine';
  if (/^tmux(?::.*)?$/.test(program) || /(?:^|\/)tmux-\d+\//.test(path) || program === 'screen')
    return 'tmux';
  if (
    program === 'ssh-agent' ||
    program === 'gpg-agent' ||
    /\/ssh-[^/]+\/agent\.\d+$|[./]agent[^/]*$/.test(path)
  )
    return 'ssh-agent';
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
 * Inode of the listening Unix socket bound as `path`: in the daemon's network namespace, else in that of
 * the client `pid`, if it is still there. Null where there is none.
 */
export function listenerInode(path: string, pid: number): string | null {
  return listenerIn('self', path) ?? listenerIn(String(pid), path);
}

function listenerIn(process: string, path: string): string | null {
  try {
    for (const line of readFileSync(`/proc/${process}/net/unix`, 'utf8').split('\n')) {
      const [, , , flags, , , inode, ...name] = line.trim().split(/\s+/);
      if (flags === '00010000' && inode && name.join(' ') === path) return inode;
    }
  } catch {
    return null;
  }
  return null;
}

/**
 * Who holds a socket, where the process that called listen() has gone: an ssh-agent and an `ssh -f` fork
 * after it. Looks through the descriptors of every process, so callers remember what it found.
 */
export function holderOf(inode: string): number | null {
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name) && holds(Number(name), `socket:[${inode}]`)) return Number(name);
  }
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
