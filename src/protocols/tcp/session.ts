/**
 * Forwards bytes both ways: backpressure, half-close one way while the other flows, a reset as a reset.
 *
 * Reads go straight to a buffer that is written from where it lies (see buffers.ts). Stream through a worker over
 * loopback, sender and receiver in C, everything on two cores, as a ratio to direct in the same run: `pipe` 0.30,
 * `data`/`write` 0.33, this 0.54, splice(2) through a pipe 0.54. With two equal ends on two cores a forwarder
 * that does no more than one read and one write cannot pass 0.5 by much: it adds as much work as it finds.
 */
import type { Socket } from 'node:net';
import { adopt } from '../../core/adopt.ts';
import { reset } from '../../core/reset.ts';
import type { End, Session } from '../room.ts';
import { Reader } from './reader.ts';
import { Side } from './side.ts';

/**
 * @param upstream connected, paused, nothing read
 * @returns when both sockets are closed
 */
export function forward(session: Session, upstream: Socket): Promise<End> {
  const fromClient = new Reader();
  const fromUpstream = new Reader();
  const near = adopt(session.client, fromClient);
  const far = adopt(upstream, fromUpstream);
  if (near === null || far === null) {
    reset(near?.socket ?? session.client);
    reset(far?.socket ?? upstream);
    return Promise.resolve({ bytesUp: 0, bytesDown: 0, reason: 'closed before the first byte' });
  }
  return new Promise((resolve) => {
    const client = new Side('client', near, fromClient);
    const destination = new Side('destination', far, fromUpstream);
    new Forwarder(client, destination, resolve).run(session);
  });
}

class Forwarder {
  readonly #client: Side;
  readonly #destination: Side;
  readonly #resolve: (end: End) => void;
  #open = 2;
  #reason: string | null = null;

  constructor(client: Side, destination: Side, resolve: (end: End) => void) {
    this.#client = client;
    this.#destination = destination;
    this.#resolve = resolve;
  }

  run(session: Session): void {
    session.onClose(() => this.#reset(null));
    this.#tie(this.#client, this.#destination);
    this.#tie(this.#destination, this.#client);
    // Every byte passes both sockets, so one timer sees the traffic of both directions.
    if (session.limitIdleMs > 0) {
      this.#client.socket.setTimeout(session.limitIdleMs, () =>
        this.#reset(`idle for ${session.limitIdleMs / 1000} s`),
      );
    }
    this.#client.socket.resume();
    this.#destination.socket.resume();
  }

  /** From one side to the other: bytes, end, error. */
  #tie(from: Side, to: Side): void {
    from.reader.join(from.socket, to.socket);
    from.socket.once('end', () => to.socket.end());
    from.socket.once('error', (error: NodeJS.ErrnoException) => {
      from.settle();
      this.#reset(`reset by the ${from.name} (${error.code ?? error.message})`);
    });
    from.socket.once('close', () => {
      this.#open -= 1;
      if (this.#open === 0) this.#done();
    });
  }

  #reset(reason: string | null): void {
    this.#reason ??= reason;
    this.#client.reset();
    this.#destination.reset();
  }

  #done(): void {
    this.#client.reader.release();
    this.#destination.reader.release();
    this.#resolve({
      bytesUp: this.#destination.taken(),
      bytesDown: this.#client.taken(),
      reason: this.#reason,
    });
  }
}
