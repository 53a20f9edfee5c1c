import type { Socket } from 'node:net';
import koffi from 'koffi';

/** Who is at the other end of a Unix socket, as the kernel knew it when it connected. */
export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
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
  return { pid: value.readInt32LE(0), uid: value.readUInt32LE(4), gid: value.readUInt32LE(8) };
}
