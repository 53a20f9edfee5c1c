import koffi from 'koffi';
import type { Micros } from '../core/types.ts';

const CLOCK_BOOTTIME = 7;

/** Turns the kernel's nanoseconds since boot into wall-clock time, following steps of the clock. */
export class BootClock {
  readonly #timespec = new BigInt64Array(2);
  readonly #gettime: (clock: number, into: BigInt64Array) => number;
  #offset = 0;

  constructor() {
    this.#gettime = koffi.load('libc.so.6').func('int clock_gettime(int, void *)');
    this.refresh();
  }

  /** Measures the offset again: call it now and then, as the wall clock may have been set. */
  refresh(): void {
    this.#offset = Math.round((performance.timeOrigin + performance.now()) * 1000) - this.#bootMicros();
    const wall = Date.now() * 1000 - this.#bootMicros();
    if (Math.abs(wall - this.#offset) > 2000) this.#offset = wall;
  }

  /** Wall-clock microseconds at which the system had been up for zero. */
  get epochMicros(): Micros {
    return this.#offset;
  }

  toMicros(bootNs: bigint): Micros {
    return Number(bootNs / 1000n) + this.#offset;
  }

  now(): Micros {
    return this.#bootMicros() + this.#offset;
  }

  #bootMicros(): number {
    this.#gettime(CLOCK_BOOTTIME, this.#timespec);
    return Number(this.#timespec[0]) * 1_000_000 + Math.floor(Number(this.#timespec[1]) / 1000);
  }
}
