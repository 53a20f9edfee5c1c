/**
 * What is said to the client in the host's place, on the host's channel. It is paid for with the window that was kept back
 * from the host, and waits while that is used up.
 */
import { encodeData, encodeStderr } from './messages.ts';

/** The channel as the client has it: its number, null where it has none, and the window that is kept back. */
interface Kept {
  readonly client: number | null;
  reserve: number;
}

/** Answers that wait for a client that has stopped reading; more are of a client that sends all the same. */
const MOST_WAITING = 4096;

interface Interjection {
  readonly payload: Buffer;
  readonly size: number;
  ready(): boolean;
}

export class Interjections {
  readonly #channel: Kept;
  readonly #send: (payload: Buffer) => void;
  readonly #waiting: Interjection[] = [];

  constructor(channel: Kept, send: (payload: Buffer) => void) {
    this.#channel = channel;
    this.#send = send;
  }

  /** @param ready whether the host's own data is at a place where something can come between. @returns false: too many wait */
  data(data: Buffer, ready: () => boolean): boolean {
    const { client } = this.#channel;
    if (client !== null) this.#waiting.push({ payload: encodeData(client, data), size: data.length, ready });
    this.flush();
    return this.#waiting.length <= MOST_WAITING;
  }

  /** For the person; let go where there is no room for it, since the answer itself is not. */
  stderr(text: string): void {
    const data = Buffer.from(text);
    const { client } = this.#channel;
    if (client === null || this.#channel.reserve < 2 * data.length) return;
    this.#channel.reserve -= data.length;
    this.#send(encodeStderr(client, data));
  }

  flush(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (next.size > this.#channel.reserve || !next.ready()) return;
      this.#waiting.shift();
      this.#channel.reserve -= next.size;
      this.#send(next.payload);
    }
  }
}
