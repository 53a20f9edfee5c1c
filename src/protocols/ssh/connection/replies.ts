/**
 * Answers to requests come without a number, in the order of the requests (RFC 4254 sections 4 and 5.4). Where some are
 * answered here and the others by the host, an answer of ours waits for those before it.
 */

/** Requests without an answer; OpenSSH's client has as many as it has forwardings. */
const MOST_WAITING = 4096;

export class Replies {
  readonly #send: (payload: Buffer) => void;
  /** Null: the host's answer is to come. */
  readonly #waiting: ((() => void) | null)[] = [];

  constructor(send: (payload: Buffer) => void) {
    this.#send = send;
  }

  /** A request that wants an answer goes to the host. @returns false where there are too many */
  expect(): boolean {
    this.#waiting.push(null);
    return this.#waiting.length <= MOST_WAITING;
  }

  /** A request is answered here: by this, when those before it are answered. @returns false where there are too many */
  own(answer: () => void): boolean {
    this.#waiting.push(answer);
    this.#flush();
    return this.#waiting.length <= MOST_WAITING;
  }

  /** The host's next answer. @returns false where it owes none */
  take(answer: Buffer): boolean {
    if (this.#waiting[0] !== null) return false;
    this.#waiting.shift();
    this.#send(answer);
    this.#flush();
    return true;
  }

  #flush(): void {
    for (let own = this.#waiting[0]; own !== undefined && own !== null; own = this.#waiting[0]) {
      this.#waiting.shift();
      own();
    }
  }
}
