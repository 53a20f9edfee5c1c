/**
 * TCP_SAVE_SYN on listeners that were there before anybody asked for it (tcp(7); Linux 4.3).
 *
 * A sockops program can set it where a socket begins to listen, and nowhere later: the listener gets no callback of its
 * own (its SYNs are answered on request sockets). A TCP iterator that may set it came after 5.10, and parsing every
 * packet at ingress would keep what no handshake vouches for. So the listener's descriptor is duplicated
 * (pidfd_getfd(2), Linux 5.6) and the option set on the copy, which is the same socket. It needs CAP_SYS_PTRACE, which
 * the supervisor has for /proc/PID/fd of other users, and no yama ptrace_scope of 3.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import koffi from 'koffi';
import { errorName } from './libbpf.ts';

/** asm-generic/unistd.h: the same on every architecture. glibc wraps them since 2.36. */
const SYS_PIDFD_OPEN = 434;
const SYS_PIDFD_GETFD = 438;
const IPPROTO_TCP = 6;
const TCP_SAVE_SYN = 27;
const [ENOENT, ESRCH, EBADF] = [2, 3, 9];

/** Listening sockets by inode, of the network namespace that the process is in (proc_pid_net(5)). */
function listening(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const table of ['tcp', 'tcp6'])
    for (const line of read(`/proc/${pid}/net/${table}`).split('\n').slice(1)) {
      const [, , , state, , , , , , inode] = line.trim().split(/\s+/);
      if (state === '0A' && inode) inodes.add(inode);
    }
  return inodes;
}

/** Empty where there is no such table: a kernel without IPv6. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/**
 * Has every listener of a process keep the SYNs of its connections.
 * @returns how many listeners it has; none where it ended meanwhile
 * @throws Error saying what could not be done
 */
export function saveSyns(pid: number): number {
  const fds = new Map<string, number>();
  try {
    const inodes = listening(pid);
    if (inodes.size === 0) return 0;
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`)) ?? [];
      if (inode && inodes.has(inode)) fds.set(inode, Number(fd));
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return 0;
    throw new Error(`/proc/${pid}: ${code ?? message}`);
  }
  return fds.size === 0 ? 0 : setOn(pid, [...fds.values()]);
}

/** Descriptors come and go while they are read. */
function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function setOn(pid: number, fds: readonly number[]): number {
  const libc = koffi.load('libc.so.6');
  const syscall = libc.func('long syscall(long, long, long, long)');
  const setsockopt = libc.func('int setsockopt(int, int, int, void *, uint)');
  const close = libc.func('int close(int)');
  const one = Buffer.from(Uint32Array.of(1).buffer);
  const call = (name: string, number: number, ...[a = 0, b = 0]: number[]): number | null => {
    const result = Number(syscall(number, a, b, 0));
    if (result >= 0) return result;
    const errno = koffi.errno();
    if (errno === ENOENT || errno === ESRCH || errno === EBADF) return null;
    throw new Error(`${name}: ${errorName(errno)}`);
  };
  const pidfd = call('pidfd_open', SYS_PIDFD_OPEN, pid);
  if (pidfd === null) return 0;
  let done = 0;
  try {
    for (const fd of fds) {
      const copy = call('pidfd_getfd', SYS_PIDFD_GETFD, pidfd, fd);
      if (copy === null) continue;
      const result = setsockopt(copy, IPPROTO_TCP, TCP_SAVE_SYN, one, one.length);
      const errno = koffi.errno();
      close(copy);
      if (result !== 0) throw new Error(`setsockopt TCP_SAVE_SYN: ${errorName(errno)}`);
      done++;
    }
  } finally {
    close(pidfd);
  }
  return done;
}
