/** What was started, for a stop or for a start that failed half-way. */
export class Started {
  readonly #stops: (() => unknown)[] = [];

  /** @param stop has to be right for what was only begun, too: add it before the start itself */
  add(stop: () => unknown): void {
    this.#stops.push(stop);
  }

  /** Stops all of it, the latest first; what can't be stopped does not keep the rest running. */
  async stop(onError: (error: Error) => void): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) {
      try {
        await stop();
      } catch (error) {
        onError(error as Error);
      }
    }
  }
}
