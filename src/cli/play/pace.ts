/** Waits as long as it took then, or a part of it. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface PaceOptions {
  /** Times as fast as it was; null does not wait. */
  readonly speed: number | null;
  /** Pauses are not longer than this; null: as long as they were. Milliseconds. */
  readonly idleMs: number | null;
}

export class Pace {
  readonly #options: PaceOptions;
  #last: number | null = null;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** @param at milliseconds since the Unix epoch */
  async until(at: number): Promise<void> {
    const { speed, idleMs } = this.#options;
    const before = this.#last;
    this.#last = Math.max(before ?? at, at);
    if (speed === null || before === null || at <= before) return;
    const gap = Math.min(at - before, idleMs ?? Number.POSITIVE_INFINITY);
    await sleep(gap / speed);
  }
}
