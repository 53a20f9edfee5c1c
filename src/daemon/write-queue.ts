import { StoreFullError } from '../store/errors.ts';

/** What is told to those who watch, once it is committed. */
export type Tell = () => void;
export type Write = () => Tell | undefined;

/** Writes kept while the disk is full; beyond that the newest are counted as lost. */
const KEPT = 200_000;
/** A full disk is tried again after so long, with so many writes: neither may hold up the claims that it refuses. */
const RETRY_MS = 1000;
const RETRIED = 10_000;

export interface WriteQueueOptions {
  /** One transaction; throws StoreFullError where the disk does not take it, and keeps nothing then. */
  batch(write: () => void): void;
  /** The disk takes everything again; so many writes were lost meanwhile. */
  onRoom(lost: number): void;
  onError(error: Error): void;
}

/** Writes in their order, each until the disk has taken it. */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #queue: Write[] = [];
  #full = false;
  #retryAt = 0;
  #lost = 0;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** True from the first write that the disk did not take until the last that waited is written. */
  get full(): boolean {
    return this.#full;
  }

  push(write: Write): void {
    if (this.#queue.length >= KEPT) this.#lost++;
    else this.#queue.push(write);
  }

  /**
   * @param now milliseconds of a clock that does not go back; infinity tries all of it, whenever that was tried last
   * @returns false where something waits for the disk
   */
  flush(now: number): boolean {
    if (this.#queue.length === 0) return true;
    if (this.#full && now < this.#retryAt) return false;
    const some = this.#full && now !== Number.POSITIVE_INFINITY ? this.#queue.slice(0, RETRIED) : this.#queue;
    const tells: Tell[] = [];
    try {
      this.#options.batch(() => {
        for (const write of some) this.#attempt(write, tells);
      });
    } catch (error) {
      if (!(error instanceof StoreFullError)) throw error;
      if (!this.#full) this.#options.onError(error);
      this.#full = true;
      this.#retryAt = now + RETRY_MS;
      return false;
    }
    this.#queue = this.#queue.slice(some.length);
    for (const tell of tells) this.#tell(tell);
    if (this.#queue.length > 0) return false;
    if (this.#full) this.#room();
    return true;
  }

  /** One record that the store can't place must not take the others with it. */
  #attempt(write: Write, tells: Tell[]): void {
    try {
      const tell = write();
      if (tell) tells.push(tell);
    } catch (error) {
      if (error instanceof StoreFullError) throw error;
      this.#options.onError(error as Error);
    }
  }

  /** Who watches is told what the store says by then: what it does not say ends neither the others nor the daemon. */
  #tell(tell: Tell): void {
    try {
      tell();
    } catch (error) {
      this.#options.onError(error as Error);
    }
  }

  #room(): void {
    const lost = this.#lost;
    this.#full = false;
    this.#lost = 0;
    this.#options.onRoom(lost);
  }
}
