import type { Socket } from 'node:net';
import koffi from 'koffi';
import { readStat } from '../core/stat.ts';

/** Who is at the other end of a Unix socket, as the kernel knew it when it connected. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** When the process began, in hundredths of a second after boot; null where it has gone already. */
  readonly startTicks: number | null;
}

// unix(7), socket(7): struct ucred is three ints.
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const UCRED_BYTES = 12;

let getsockopt: ReturnType<ReturnType<typeof koffi.load>['func']> | undefined;

/** @throws Error when the kernel does not say; the connection is then to be refused */
export function peerOf(socket: Socket): Peer {
  const fd: unknown = (socket as { _handle?: { fd?: unknown } | null })._handle?.fd;
  if (typeof fd !== 'number' || fd < 0) throw new Error('the connection is closed already');
  getsockopt ??= koffi
    .load('libc.so.6')
    .func('int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint32_t *length)');
  const value = Buffer.alloc(UCRED_BYTES);
  const length = [UCRED_BYTES];
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length) !== 0 || length[0] !== UCRED_BYTES) {
    throw new Error(`SO_PEERCRED: errno ${koffi.errno()}`);
  }
  const pid = value.readInt32LE(0);
  // Threat: the process ends, hands its socket to another, and its pid becomes a third one's.
  const startTicks = readStat(pid)?.startTicks ?? null;
  return { pid, uid: value.readUInt32LE(4), gid: value.readUInt32LE(8), startTicks };
}
