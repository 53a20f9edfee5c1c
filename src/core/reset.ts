import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';

/** By socket: the stream that writes and ends it in its place. */
const streams = new WeakMap<Socket, Socket>();

/** A peer that reads nothing keeps a shutdown from its end: a connection then ends without RST. */
const SHUTDOWN_MS = 1_000;

/** From here on `stream`, TLS say, is what writes to `socket`; what resets the connection has to heed its end. */
export function writesTo(socket: Socket, stream: Socket): void {
  streams.set(socket, stream);
}

/**
 * Ends a connection with RST, so that the peer cannot take what it got for the whole; what is under way is lost.
 * Emits no error where the socket is closed already.
 *
 * Two traps of Node 24: on a connecting socket `resetAndDestroy` waits for the connection, and while libuv carries
 * out a shutdown (between `end()` and 'finish', of a stream above it, too) it fails with EINVAL, leaks the descriptor
 * and never emits 'close'.
 *
 * @param socket the TCP connection itself, below any TLS
 */
export function reset(socket: Socket): void {
  resetBefore(socket, performance.now() + SHUTDOWN_MS);
}

function resetBefore(socket: Socket, end: number): void {
  if (socket.destroyed) return;
  if (socket.connecting) socket.destroy();
  else if (!shutting(socket) && !shutting(streams.get(socket))) socket.resetAndDestroy();
  else if (performance.now() < end) setImmediate(resetBefore, socket, end);
  else socket.destroy();
}

function shutting(stream: Socket | undefined): boolean {
  return (
    stream !== undefined &&
    !stream.destroyed &&
    stream.writableEnded &&
    !stream.writableFinished &&
    stream.writableLength === 0
  );
}
