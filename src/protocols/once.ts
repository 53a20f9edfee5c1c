import type { Socket } from 'node:net';

/**
 * The next bytes of a paused socket, which is paused again then.
 * @returns null at its end, and where it failed or is closed
 */
export function once(socket: Socket): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const settle = (chunk: Buffer | null): void => {
      socket.pause();
      socket.off('data', settle).off('end', ended).off('close', ended).off('error', ended);
      resolve(chunk);
    };
    const ended = (): void => settle(null);
    if (socket.destroyed || socket.readableEnded) return ended();
    socket.on('data', settle).once('end', ended).once('close', ended).once('error', ended);
    socket.resume();
  });
}
