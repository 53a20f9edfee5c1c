/**
 * COPY … FROM STDIN: while it lasts the server reads the client's messages as data, and passes over Sync and Flush
 * among them, which clients send behind every Execute (PostgreSQL 18 manual, 54.2.6 COPY Operations). Which of them it
 * passes over is up to when it begins to read, and when an error ends it. So what follows a statement that may begin
 * a copy waits until that is known, and Sync and Flush do not go on while it lasts: each that goes on is answered.
 */
import type { Statement } from './sql/statement.ts';

/** Whether the server may ask for data when it runs the statement. */
export function mayCopyIn({ verb, kinds }: Statement): boolean {
  return verb === 'unknown' || (verb === 'copy' && kinds.includes('write'));
}

export class CopyIn {
  readonly #hold: (work: Promise<void>) => void;
  #data = false;
  #more = false;
  #wake: (() => void) | null = null;

  /** @param hold keeps the client's next messages back until that is done */
  constructor(hold: (work: Promise<void>) => void) {
    this.#hold = hold;
  }

  /** The server reads data. */
  get data(): boolean {
    return this.#data;
  }

  /**
   * A statement that may begin a copy is on its way.
   * @param more others of the same message may follow it
   * @returns takes what the server does about it
   */
  asked(more: boolean): (data: boolean) => void {
    this.#more = more;
    this.#wait();
    return (data) => {
      this.#data = data;
      this.#wake?.();
      this.#wake = null;
    };
  }

  /** CopyDone or CopyFail is on its way. */
  done(): void {
    this.#data = false;
    if (this.#more) this.#wait();
  }

  #wait(): void {
    this.#hold(
      new Promise((resolve) => {
        this.#wake = resolve;
      }),
    );
  }
}
