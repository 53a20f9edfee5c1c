import type { Names } from '../attribution/names.ts';
import type { Id, Micros, NameAnswer } from '../core/types.ts';

/** A connection waits this long for the names its login was told; then its address has to do. */
const PATIENCE_MS = 50;

export interface NamesParserOptions {
  readonly names: Names;
  /** Parses a DNS message in a process without privilege. */
  parse(message: Uint8Array): Promise<readonly NameAnswer[]>;
  now(): Micros;
}

/** Sends DNS answers to be parsed by a worker, and says when those that are out have come back. */
export class NamesParser {
  readonly #options: NamesParserOptions;
  readonly #out = new Set<Promise<void>>();

  constructor(options: NamesParserOptions) {
    this.#options = options;
  }

  parse(root: Id, message: Uint8Array): void {
    const done: Promise<void> = this.#options
      .parse(message)
      .then((answers) => this.#options.names.learn(root, answers, this.#options.now()))
      .catch(() => {})
      .finally(() => this.#out.delete(done));
    this.#out.add(done);
  }

  /** Null where nothing is out. */
  settled(): Promise<void> | null {
    if (this.#out.size === 0) return null;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, PATIENCE_MS);
    void Promise.all(this.#out).then(() => {
      clearTimeout(timer);
      resolve();
    });
    return promise;
  }
}
