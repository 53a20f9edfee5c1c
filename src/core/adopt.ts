/**
 * Puts a socket that has not been read from under another `net.Socket` whose reads land in a buffer that we choose.
 *
 * Node offers that (`onread`) only to `net.connect`, not to accepted sockets. The constructor's `handle` option is
 * what Node's own accept uses; for handles of this kind it is undocumented. Written for Node 24, whose binary Hopline carries; a test fails
 * when a later one does this differently.
 */
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';

/** The part of libuv's stream handle that is used here. */
export interface Handle {
  /** Bytes handed to the handle, whether or not the kernel has taken them yet. */
  readonly bytesWritten: number;
  /** Bytes that wait in libuv for the kernel to take them. */
  readonly writeQueueSize: number;
}

export interface Adopted {
  readonly socket: Socket;
  readonly handle: Handle;
}

interface Handled {
  _handle: Handle | null;
}

/** Below this a write that the kernel did not take at once does not stop the reading. */
export const HIGH_WATER = 16 * 1024;

/**
 * @param given paused, nothing read; it is an empty shell afterwards, and emits nothing more
 * @returns the socket that now owns the connection, or null where `given` is closed already
 */
export function adopt(given: Socket, onread: OnReadOpts): Adopted | null {
  const shell = given as unknown as Handled;
  const handle = shell._handle;
  if (handle === null || given.destroyed) return null;
  shell._handle = null;
  const options = {
    handle,
    onread,
    allowHalfOpen: true,
    pauseOnCreate: true,
    readable: true,
    writable: true,
    highWaterMark: HIGH_WATER,
  };
  return { socket: new Socket(options as unknown as SocketConstructorOpts), handle };
}
