import type { Socket } from 'node:net';

/**
 * Ends a connection with RST, so that the peer cannot take what it got for the whole; what is under way is lost.
 * Emits no error where the socket is closed already.
 *
 * Two traps of Node 24: on a connecting socket `resetAndDestroy` waits for the connection, and while libuv carries
 * out a shutdown (between `end()` and 'finish') it fails with EINVAL and leaks the descriptor.
 */
export function reset(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.connecting) {
    socket.destroy();
    return;
  }
  if (socket.writableEnded && !socket.writableFinished && socket.writableLength === 0) {
    setImmediate(() => reset(socket));
    return;
  }
  socket.resetAndDestroy();
}
