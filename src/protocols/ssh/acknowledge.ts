/**
 * Has the kernel acknowledge at once what was read. OpenSSH's client sends the second packet of two in a row only then
 * (Nagle's algorithm), and the kernel would wait up to 40 ms for something to send with it: in each key exchange.
 */
import type { Socket } from 'node:net';
import koffi from 'koffi';

/** tcp(7). */
const IPPROTO_TCP = 6;
const TCP_QUICKACK = 12;
const ON = Buffer.from(Int32Array.of(1).buffer);

const setsockopt = koffi
  .load('libc.so.6')
  .func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)');

/** For this once: it is not how the socket goes on. What goes wrong with it costs time alone. */
export function acknowledge(socket: Socket): void {
  const fd: unknown = (socket as { _handle?: { fd?: unknown } | null })._handle?.fd;
  if (typeof fd === 'number' && fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, ON, ON.length);
}
