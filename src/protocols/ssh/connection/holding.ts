/** What waits for a person, and what the client sends in its channel meanwhile. */
import { Message } from '../numbers.ts';

/** Bytes: sshd gives a session no window before it has begun, so that more is not sent in good faith. */
const MOST = 256 * 1024;
/** Of the client's messages those that mean nothing without what is held. */
const KEPT: ReadonlySet<number | undefined> = new Set([
  Message.CHANNEL_DATA,
  Message.CHANNEL_EXTENDED_DATA,
  Message.CHANNEL_REQUEST,
  Message.CHANNEL_EOF,
  Message.CHANNEL_CLOSE,
]);

export const waitsWithChannel = (payload: Buffer): boolean => KEPT.has(payload[0]);

export class Holding {
  readonly #abort = new AbortController();
  readonly #kept: Buffer[] = [];
  #size = 0;
  /** Settles when everything that follows from the answer is done. */
  over: Promise<void> = Promise.resolve();

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** @param payload a view */
  keep(payload: Buffer): void {
    const closes = payload[0] === Message.CHANNEL_CLOSE;
    this.#size += payload.length;
    // What is withdrawn is refused, so that nothing is missed of what comes behind it but the end.
    if (this.#size <= MOST || closes) this.#kept.push(Buffer.from(payload));
    else this.withdraw('more was sent to it than can be kept');
    if (closes) this.withdraw('the client closed the channel');
  }

  withdraw(why: string): void {
    this.#abort.abort(why);
  }

  /** In the order in which it came. */
  take(): Buffer[] {
    return this.#kept.splice(0);
  }
}
