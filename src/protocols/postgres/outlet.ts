/** What goes to one side: written in as few pieces as it lies in memory, and not before it may go. */
import type { Socket } from 'node:net';

export class Outlet {
  readonly #to: Socket;
  #holds = 0;
  #corked = false;
  #ended = false;
  /** Of what is held, what was given last: it may go on in what comes. */
  #last: Buffer | null = null;

  constructor(to: Socket) {
    this.#to = to;
  }

  /** @param bytes the outlet's from here on */
  write(bytes: Buffer): void {
    const last = this.#last;
    if (this.#holds === 0) this.#to.write(bytes);
    else if (last === null) this.#last = bytes;
    else if (last.buffer === bytes.buffer && last.byteOffset + last.length === bytes.byteOffset)
      this.#last = Buffer.from(last.buffer, last.byteOffset, last.length + bytes.length);
    else {
      if (!this.#corked) this.#to.cork();
      this.#corked = true;
      this.#to.write(last);
      this.#last = bytes;
    }
  }

  /** Nothing more comes; what is held goes out before the end. */
  end(): void {
    this.#ended = true;
    if (this.#holds === 0 && !this.#to.writableEnded) this.#to.end();
  }

  /** Nothing goes out until each `hold` has had its `release`. */
  hold(): void {
    this.#holds += 1;
  }

  release(): void {
    this.#holds -= 1;
    if (this.#holds > 0) return;
    this.flush();
    if (this.#ended) this.end();
  }

  /** What is held goes out at once, for the last words that come behind it. */
  flush(): void {
    const last = this.#last;
    this.#last = null;
    // A socket that was reset meanwhile takes nothing, and needs nothing.
    if (last !== null && this.#to.writable) this.#to.write(last);
    if (this.#corked) this.#to.uncork();
    this.#corked = false;
  }
}
