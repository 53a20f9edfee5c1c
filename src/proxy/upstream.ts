/** The dial to a hop's destination. */
import { connect, type Socket } from 'node:net';
import { isLoopback } from '../core/loopback.ts';
import type { Endpoint } from '../core/types.ts';

/** A peer that vanished is noticed after about this long without traffic (then nine probes, as the kernel is set). */
const KEEPALIVE_MS = 120_000;

/** A slow destination's first packet is explained this long after it left; the tripwire waits longer. */
const TELL_MS = 1_000;

/** Why a destination was not reached. `code` is the system's (ECONNREFUSED, EHOSTUNREACH…), ETIMEDOUT, or ECANCELED. */
export class DialError extends Error {
  override readonly name = 'DialError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Dial {
  /** Connecting; reset it to give up. */
  readonly socket: Socket;
  /** The same socket, connected, paused, nothing read. @throws DialError */
  readonly connected: Promise<Socket>;
  /** Calls `onSource` now, where it was not yet and there is an address: the hop is about to end. */
  tell(): void;
}

/**
 * The address of this host's from which a client that is on it wants to come: one that has bound its socket (`ssh -b`) is no
 * loopback address, though the proxy is at one.
 * @returns undefined where it has not, or where the destination is of the other family
 */
export function boundAddress(client: string, destination: string): string | undefined {
  const other = client.includes(':') !== destination.includes(':');
  // A link-local address says nothing without its link.
  return other || isLoopback(client) || /^fe[89ab]/i.test(client) ? undefined : client;
}

/**
 * Gap: a port of `localAddress` is taken before the destination is known (Node has no IP_BIND_ADDRESS_NO_PORT), so that
 * one bound address has as many connections as ports, over all destinations.
 *
 * @param destination an address, never a name
 * @param localAddress to come from; undefined: as the system chooses
 * @param onSource called once with our own address and port. Nobody waits for it, so it comes after the connection is
 *   handed on, or when there will be none
 */
export function dial(
  destination: Endpoint,
  localAddress: string | undefined,
  timeoutMs: number,
  onSource: (source: Endpoint) => void,
): Dial {
  const socket = connect({
    ...(localAddress === undefined ? {} : { localAddress }),
    host: destination.address,
    port: destination.port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEPALIVE_MS,
    autoSelectFamily: false,
  });
  socket.pause();
  let source: Endpoint | null = null;
  let slow: NodeJS.Timeout | undefined;
  let told = false;
  const tell = (): void => {
    clearTimeout(slow);
    source ??= ownEnd(socket);
    if (source === null || told) return;
    told = true;
    onSource(source);
  };
  const connected = new Promise<Socket>((resolve, reject) => {
    const where = `${destination.address} port ${destination.port}`;
    const timer = setTimeout(() => {
      tell();
      socket.destroy();
      reject(new DialError('ETIMEDOUT', `${where} did not answer within ${timeoutMs / 1000} s`));
    }, timeoutMs);
    const failed = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      tell();
      const from = error.syscall === 'bind' ? ` from ${localAddress}, which the client is bound to` : '';
      reject(new DialError(error.code ?? 'EIO', `${where}${from}: ${error.message}`));
    };
    const closed = (): void => {
      clearTimeout(timer);
      tell();
      reject(new DialError('ECANCELED', `${where}: given up`));
    };
    socket.once('error', failed);
    socket.once('close', closed);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', failed);
      socket.off('close', closed);
      setImmediate(tell);
      resolve(socket);
    });
  });
  // Node calls connect(2) in the next tick; the port is bound from there on.
  setImmediate(() => {
    source ??= ownEnd(socket);
    if (source !== null && !told) slow = setTimeout(tell, TELL_MS).unref();
  });
  return { socket, connected, tell };
}

/** Null before connect(2), and once the socket is closed. */
function ownEnd({ localAddress, localPort }: Socket): Endpoint | null {
  return localAddress === undefined || localPort === undefined
    ? null
    : { address: localAddress, port: localPort };
}
