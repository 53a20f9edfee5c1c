/** Which packets are worth a report: the first of each conversation in a while, and not more than a rate. */

export interface LimiterOptions {
  /** A conversation that goes on is reported again after this long. */
  readonly repeatMs: number;
  /** Reports a second. */
  readonly perSecond: number;
  /** Conversations remembered; beyond it the oldest are forgotten, and reported again. */
  readonly memory: number;
}

export class Limiter {
  readonly #options: LimiterOptions;
  /** In the order of their last report. */
  readonly #seen = new Map<string, number>();
  #second = 0;
  #used = 0;
  #suppressed = 0;

  constructor(options: LimiterOptions) {
    this.#options = options;
  }

  /** @param now milliseconds */
  admit(key: string, now: number): boolean {
    const last = this.#seen.get(key);
    if (last !== undefined && now - last < this.#options.repeatMs) return false;
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#used = 0;
    }
    if (this.#used >= this.#options.perSecond) {
      this.#suppressed += 1;
      return false;
    }
    this.#used += 1;
    this.#seen.delete(key);
    this.#seen.set(key, now);
    if (this.#seen.size > this.#options.memory) {
      const [oldest] = this.#seen.keys();
      if (oldest !== undefined) this.#seen.delete(oldest);
    }
    return true;
  }

  /** Packets that the rate kept from being reported, since this was last asked. */
  suppressed(): number {
    const count = this.#suppressed;
    this.#suppressed = 0;
    return count;
  }
}
