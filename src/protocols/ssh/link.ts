/** One side of the conversation: its socket and its transport. */
import { reset } from '../../core/reset.ts';
import { acknowledge } from './acknowledge.ts';
import type { Transport, TransportOptions } from './transport/transport.ts';
import { Transport as SshTransport } from './transport/transport.ts';
import { flush, type Wire } from './wire.ts';

/** A peer that was told why gets so long to take it. */
const CLOSING_MS = 5_000;

export type LinkOptions = Omit<TransportOptions, 'room'> & {
  /** What came was none, or could not be taken: nothing can go on. */
  onBroken(error: Error): void;
  /** Called after each piece that came: whether to stop reading. */
  full(): boolean;
};

export class Link {
  readonly transport: Transport;
  readonly #wire: Wire;
  readonly #options: LinkOptions;
  #login = true;

  constructor(wire: Wire, options: LinkOptions) {
    this.#wire = wire;
    this.#options = options;
    this.transport = new SshTransport({ ...options, room: (length) => wire.room(length) });
  }

  start(): void {
    const { socket } = this.#wire;
    socket.setNoDelay(true);
    this.#wire.listen((data) => this.#take(data));
    this.transport.start();
    socket.resume();
  }

  /** The user is known. */
  authenticated(): void {
    this.#login = false;
    this.transport.authenticated();
  }

  /** Whether more would have to wait here. */
  get congested(): boolean {
    return this.#wire.congested || this.transport.exchanging;
  }

  pause(): void {
    this.#wire.socket.pause();
  }

  /** Reads on, where nothing is in the way. */
  resume(): void {
    if (!this.#options.full() && !this.#wire.socket.destroyed) this.#wire.socket.resume();
  }

  /** Says why, lets that be taken, and closes. */
  leave(reason: number, description: string): void {
    this.transport.disconnect(reason, description);
    this.close();
  }

  /** Lets what was sent be taken, and closes. */
  close(): void {
    const { socket } = this.#wire;
    this.transport.close();
    this.#wire.listen(() => {});
    flush();
    socket.resume();
    socket.end();
    setTimeout(() => reset(socket), CLOSING_MS).unref();
  }

  #take(data: Buffer): void {
    try {
      this.transport.receive(data);
    } catch (error) {
      this.#options.onBroken(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    flush();
    if (this.#login) acknowledge(this.#wire.socket);
    if (this.#options.full()) this.#wire.socket.pause();
  }
}
