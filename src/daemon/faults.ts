/** What goes wrong with other hosts, told once in a while. Threat: whoever can connect can fail to, as often as they like. */
import type { Micros } from '../core/types.ts';

/** What is the same is told as a number after this long, and what comes then is told again. */
const WHILE_MS = 60_000;
/** Different ones in that time; what is beyond is a number. */
const MOST = 16;

export interface Fault {
  readonly at: Micros;
  readonly detail: string;
  readonly count: number;
}

export class Faults {
  readonly #tell: (fault: Fault) => void;
  readonly #now: () => Micros;
  /** How often each was repeated since it was told. */
  readonly #repeated = new Map<string, number>();
  #untold = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: { tell(fault: Fault): void; now(): Micros }) {
    this.#tell = options.tell;
    this.#now = options.now;
  }

  /** @returns whether it was told now */
  fault(detail: string): boolean {
    this.#timer ??= setTimeout(() => this.settle(), WHILE_MS).unref();
    const before = this.#repeated.get(detail);
    if (before !== undefined) {
      this.#repeated.set(detail, before + 1);
      return false;
    }
    if (this.#repeated.size >= MOST) {
      this.#untold++;
      return false;
    }
    this.#repeated.set(detail, 0);
    this.#tell({ at: this.#now(), detail, count: 1 });
    return true;
  }

  /** Tells the numbers, and begins anew. */
  settle(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const at = this.#now();
    for (const [detail, count] of this.#repeated)
      if (count > 0) this.#tell({ at, detail: `again: ${detail}`, count });
    if (this.#untold > 0)
      this.#tell({ at, detail: 'more of other kinds went wrong with other hosts', count: this.#untold });
    this.#repeated.clear();
    this.#untold = 0;
  }
}
