/**
 * Answers to requests come without a number, in the order of the requests (RFC 4254 sections 4 and 5.4). Where some are
 * answered here and the others by the host, an answer of ours waits for those before it.
 */

import { Message } from '../numbers.ts';

/** Requests without an answer; OpenSSH's client has as many as it has forwardings. */
const MOST_WAITING = 4096;

interface Waiting {
  /** Null: the host's answer is to come. */
  readonly own: (() => void) | null;
  /** Told where the host's answer is no. */
  readonly refused: (() => void) | null;
}

const PASSES: Waiting = { own: null, refused: null };

export class Replies {
  readonly #send: (payload: Buffer) => void;
  readonly #waiting: Waiting[] = [];

  constructor(send: (payload: Buffer) => void) {
    this.#send = send;
  }

  /** A request that wants an answer goes to the host. @returns false where there are too many */
  expect(refused: (() => void) | null = null): boolean {
    this.#waiting.push(refused === null ? PASSES : { own: null, refused });
    return this.#waiting.length <= MOST_WAITING;
  }

  /** A request is answered here: by this, when those before it are answered. @returns false where there are too many */
  own(answer: () => void): boolean {
    this.#waiting.push({ own: answer, refused: null });
    this.#flush();
    return this.#waiting.length <= MOST_WAITING;
  }

  /** The host's next answer. @returns false where it owes none */
  take(answer: Buffer): boolean {
    if (this.#waiting[0]?.own !== null) return false;
    const refused = this.#waiting.shift()?.refused;
    if (answer[0] === Message.CHANNEL_FAILURE) refused?.();
    this.#send(answer);
    this.#flush();
    return true;
  }

  #flush(): void {
    for (let own = this.#waiting[0]?.own; own != null; own = this.#waiting[0]?.own) {
      this.#waiting.shift();
      own();
    }
  }
}
