/** One of a hop's two sockets, and how many bytes it took. */
import type { Socket } from 'node:net';
import type { Adopted, Handle } from '../../core/adopt.ts';
import { reset } from '../../core/reset.ts';
import type { Reader } from './reader.ts';

export class Side {
  readonly name: 'client' | 'destination';
  readonly socket: Socket;
  /** What is read from this side. */
  readonly reader: Reader;
  readonly #handle: Handle;
  #taken: number | null = null;

  constructor(name: 'client' | 'destination', adopted: Adopted, reader: Reader) {
    this.name = name;
    this.socket = adopted.socket;
    this.reader = reader;
    this.#handle = adopted.handle;
  }

  /** Fixes the count. Has to come before the handle is closed, which forgets what it still had to write. */
  settle(): void {
    this.#taken ??= this.#handle.bytesWritten - this.#handle.writeQueueSize;
  }

  /** Ends the connection with RST, losing what is under way. */
  reset(): void {
    if (this.socket.destroyed) return;
    this.settle();
    reset(this.socket);
  }

  /** Bytes that the kernel took for this side; final once it is closed. */
  taken(): number {
    return this.#taken ?? this.socket.bytesWritten;
  }
}
