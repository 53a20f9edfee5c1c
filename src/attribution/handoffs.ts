import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readStat } from '../core/stat.ts';
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

/** A process that holds a descriptor of a socket. Its pid may be another's later, and its descriptor closed. */
export interface Holder {
  readonly pid: number;
  readonly startTicks: number;
  readonly fd: string;
  /** Of the socket. */
  readonly inode: string;
}

/**
 * Who holds the listening Unix socket bound as `path`, where the process that called listen() has gone: an ssh-agent
 * and an `ssh -f` fork after it. Reads every socket's line and looks through the descriptors of every process.
 * @param client its network namespace may have the socket, if it is still there
 * @returns null where nobody does, and where two sockets are bound as that: a relative path is what anybody says
 */
export function holderOf(path: string, client: number): Holder | null {
  const look = () => new Set([...listening('self', path), ...listening(String(client), path)]);
  let inodes = look();
  // The kernel goes through its table in pieces, and what moves meanwhile may be passed over.
  if (inodes.size === 0) inodes = look();
  const [inode] = inodes;
  if (inode === undefined || inodes.size > 1) return null;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    const startTicks = readStat(pid)?.startTicks;
    const fd = descriptor(pid, inode);
    if (fd === null || startTicks === undefined) continue;
    const holder = { pid, startTicks, fd, inode };
    if (stillHolds(holder)) return holder;
  }
  return null;
}

export function stillHolds({ pid, startTicks, fd, inode }: Holder): boolean {
  return isSocket(`/proc/${pid}/fd/${fd}`, inode) && readStat(pid)?.startTicks === startTicks;
}

function listening(process: string, path: string): string[] {
  try {
    return readFileSync(`/proc/${process}/net/unix`, 'utf8')
      .split('\n')
      .flatMap((line) => {
        const [, , , flags, , , inode, ...name] = line.trim().split(/\s+/);
        return flags === '00010000' && inode && name.join(' ') === path ? [inode] : [];
      });
  } catch {
    return [];
  }
}

function descriptor(pid: number, inode: string): string | null {
  try {
    const fds = readdirSync(`/proc/${pid}/fd`);
    return fds.find((fd) => isSocket(`/proc/${pid}/fd/${fd}`, inode)) ?? null;
  } catch {
    return null;
  }
}

function isSocket(link: string, inode: string): boolean {
  try {
    return readlinkSync(link) === `socket:[${inode}]`;
  } catch {
    return false;
  }
}
