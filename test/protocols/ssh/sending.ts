/** Where a transport of a test puts its packets, on their way into a socket. */
import type { Socket } from 'node:net';

/** `flush` writes what there is at once; else it is written when this turn is over. */
export function sending(socket: Socket) {
  const waiting: Buffer[] = [];
  const flush = (): void => {
    for (const bytes of waiting.splice(0)) socket.write(bytes);
  };
  const room = (length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    waiting.push(bytes);
    process.nextTick(flush);
    return bytes;
  };
  return { room, flush };
}
