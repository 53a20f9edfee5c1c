import type { Names } from '../attribution/names.ts';
import type { Id, Micros, NameAnswer } from '../core/types.ts';

/** A connection waits this long for the names its login was told; then its address has to do. */
const PATIENCE_MS = 500;

export interface NamesParserOptions {
  readonly names: Names;
  /** Whether the root still has processes: names of one that has gone are nobody's, and would never be forgotten. */
  lives(root: Id): boolean;
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
    const { promise: late, resolve } = Promise.withResolvers<void>();
    // A worker that stands still must not make every later connection wait for it.
    const timer = setTimeout(resolve, PATIENCE_MS);
    const parsed = this.#options
      .parse(message)
      .then((answers) => {
        if (this.#options.lives(root)) this.#options.names.learn(root, answers, this.#options.now());
      })
      .catch(() => {});
    const done: Promise<void> = Promise.race([parsed, late]).finally(() => {
      clearTimeout(timer);
      this.#out.delete(done);
    });
    this.#out.add(done);
  }

  /** Null where nothing is out. */
  settled(): Promise<void> | null {
    return this.#out.size === 0 ? null : Promise.all(this.#out).then(() => {});
  }
}
