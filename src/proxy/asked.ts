/** Questions to the supervisor that wait for their answers, each for so long. */

interface Waiting<T> {
  resolve(answer: T): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

export class Asked<T> {
  readonly #waiting = new Map<number, Waiting<T>>();
  #next = 1;

  /**
   * @param send puts the question, under the number that its answer has to bear
   * @throws Error what the answer says, or that there is none
   */
  ask(timeoutMs: number, send: (seq: number) => void): Promise<T> {
    const seq = this.#next;
    this.#next += 1;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.answer(seq, null, 'the supervisor does not answer'), timeoutMs);
      this.#waiting.set(seq, { resolve, reject, timer });
      send(seq);
    });
  }

  /** @param answer null where there is none, and `error` says why */
  answer(seq: number, answer: T | null, error: string): void {
    const waiting = this.#waiting.get(seq);
    if (waiting === undefined) return;
    this.#waiting.delete(seq);
    clearTimeout(waiting.timer);
    if (answer === null) waiting.reject(new Error(error));
    else waiting.resolve(answer);
  }
}
