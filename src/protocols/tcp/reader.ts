/** Reads one socket and writes another, from the buffer that was read to. */
import type { Socket } from 'node:net';
import { HIGH_WATER } from '../../core/adopt.ts';
import { borrow, giveBack, SHARED } from './buffers.ts';

export class Reader {
  #from: Socket | null = null;
  #to: Socket | null = null;
  #own: Buffer | null = null;
  /** Whether the last read was large, so that the next is worth a buffer of its own. */
  #bulk = false;
  #paused = false;

  join(from: Socket, to: Socket): void {
    this.#from = from;
    this.#to = to;
    to.on('drain', this.#drained);
  }

  /** Node asks after each read where the next goes; not while the last one is still being written (see `callback`). */
  readonly buffer = (): Buffer => {
    if (this.#bulk) this.#own ??= borrow();
    else if (!this.#paused) this.release();
    return this.#own ?? SHARED;
  };

  /**
   * @returns false to stop reading: until `drain` the buffer belongs to the write
   */
  readonly callback = (bytes: number): boolean => {
    const to = this.#to;
    if (to === null || to.destroyed) return false;
    const own = this.#own;
    // A write below the high-water mark may wait without a `drain` to follow, and SHARED is everybody's: copy both.
    const chunk =
      own === null || bytes < HIGH_WATER
        ? Buffer.from((own ?? SHARED).subarray(0, bytes))
        : own.subarray(0, bytes);
    this.#bulk = bytes >= (own === null ? SHARED.length : HIGH_WATER);
    to.write(chunk);
    this.#paused = to.writableLength > 0 && to.writableNeedDrain;
    return !this.#paused;
  };

  /** Gives the borrowed buffer back. Only when no write is under way or its socket is closed. */
  release(): void {
    if (this.#own !== null) giveBack(this.#own);
    this.#own = null;
  }

  readonly #drained = (): void => {
    if (!this.#paused) return;
    this.#paused = false;
    this.#from?.resume();
  };
}
