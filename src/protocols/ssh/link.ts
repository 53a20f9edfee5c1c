/** One side of the conversation: its socket and its transport. */
import type { Socket } from 'node:net';
import { reset } from '../reset.ts';
import type { Transport, TransportOptions } from './transport/transport.ts';
import { Transport as SshTransport } from './transport/transport.ts';

/** A peer that was told why gets so long to take it. */
const CLOSING_MS = 5_000;

export type LinkOptions = Omit<TransportOptions, 'write'> & {
  /** What came was none, or could not be taken: nothing can go on. */
  onBroken(error: Error): void;
  /** Called after each piece that came: whether to stop reading. */
  full(): boolean;
};

export class Link {
  readonly socket: Socket;
  readonly transport: Transport;
  readonly #options: LinkOptions;
  #corked = false;

  /** @param socket paused, nothing read */
  constructor(socket: Socket, options: LinkOptions) {
    this.socket = socket;
    this.#options = options;
    this.transport = new SshTransport({ ...options, write: (bytes) => this.#write(bytes) });
  }

  start(): void {
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => this.#take(chunk));
    this.transport.start();
    this.socket.resume();
  }

  /** Whether more would have to wait here. */
  get congested(): boolean {
    return this.socket.writableNeedDrain || this.transport.exchanging;
  }

  /** Reads on, where nothing is in the way. */
  resume(): void {
    if (!this.#options.full() && !this.socket.destroyed) this.socket.resume();
  }

  /** Says why, lets that be taken, and closes. */
  leave(reason: number, description: string): void {
    this.transport.disconnect(reason, description);
    this.close();
  }

  /** Lets what was sent be taken, and closes. */
  close(): void {
    this.transport.close();
    this.socket.removeAllListeners('data').resume();
    this.socket.end();
    setTimeout(() => reset(this.socket), CLOSING_MS).unref();
  }

  #write(bytes: Buffer): void {
    if (!this.socket.writable) return;
    if (!this.#corked) {
      // One system call for all the packets that a piece of the other side becomes.
      this.#corked = true;
      this.socket.cork();
      process.nextTick(this.#uncork);
    }
    this.socket.write(bytes);
  }

  readonly #uncork = (): void => {
    this.#corked = false;
    this.socket.uncork();
  };

  #take(chunk: Buffer): void {
    try {
      this.transport.receive(chunk);
    } catch (error) {
      this.#options.onBroken(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    if (this.#options.full()) this.socket.pause();
  }
}
