/** Messages that somebody waits for, one at a time. */
export class Mailbox<T> {
  readonly #limit: number;
  readonly #letters: T[] = [];
  #waiting: { resolve(letter: T): void; reject(error: Error): void } | null = null;
  #closed: Error | null = null;

  /** @param limit messages that may wait */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns false where too many wait already */
  put(letter: T): boolean {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) waiting.resolve(letter);
    else this.#letters.push(letter);
    return this.#letters.length <= this.#limit;
  }

  /** @throws the error of `close` */
  next(): Promise<T> {
    const letter = this.#letters.shift();
    if (letter !== undefined) return Promise.resolve(letter);
    if (this.#closed !== null) return Promise.reject(this.#closed);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Whoever waits, or waits later, fails with this. */
  close(error: Error): void {
    this.#closed ??= error;
    this.#waiting?.reject(this.#closed);
    this.#waiting = null;
  }
}
