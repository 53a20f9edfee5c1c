import type { Micros } from '../core/types.ts';

export interface Exit {
  readonly at: Micros;
  readonly exitCode: number | null;
  readonly signal: number | null;
}

/** A connection's claim comes within seconds of it. */
const REMEMBERED = 5000;

/** Takes apart what wait(2) reports. */
export function exitOf(at: Micros, code: number): Exit {
  const signal = code & 0x7f;
  return { at, exitCode: signal === 0 ? (code >> 8) & 0xff : null, signal: signal === 0 ? null : signal };
}

/**
 * How processes ended a moment ago: a fork that connected and was gone before the proxy asked gets its
 * image only then, and would never be seen to end.
 */
export class RecentExits {
  readonly #exits = new Map<string, Exit>();

  add(key: string, exit: Exit): void {
    this.#exits.set(key, exit);
    if (this.#exits.size > REMEMBERED) this.#exits.delete(this.#exits.keys().next().value as string);
  }

  get(key: string): Exit | null {
    return this.#exits.get(key) ?? null;
  }
}
