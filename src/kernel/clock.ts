import koffi from 'koffi';
import type { Micros } from '../core/types.ts';

const CLOCK_BOOTTIME = 7;
/** What is more is a clock that was set, and not one that is slewed. */
const STEP: Micros = 100_000;
const MOST_STEPS = 64;

interface Step {
  /** Microseconds since boot, at which it was noticed. */
  readonly at: number;
  /** What counted before it. */
  readonly offset: number;
}

/** Turns the kernel's nanoseconds since boot into wall-clock time, following steps of the clock. */
export class BootClock {
  readonly #timespec = new BigInt64Array(2);
  readonly #gettime: (clock: number, into: BigInt64Array) => number;
  #offset = 0;
  readonly #steps: Step[] = [];

  constructor() {
    this.#gettime = koffi.load('libc.so.6').func('int clock_gettime(int, void *)');
    this.refresh();
  }

  /** Measures the offset again: call it now and then, as the wall clock may have been set. */
  refresh(): void {
    const before = this.#offset;
    this.#offset = Math.round((performance.timeOrigin + performance.now()) * 1000) - this.#bootMicros();
    const wall = Date.now() * 1000 - this.#bootMicros();
    if (Math.abs(wall - this.#offset) > 2000) this.#offset = wall;
    if (before === 0 || Math.abs(this.#offset - before) < STEP) return;
    this.#steps.push({ at: this.#bootMicros(), offset: before });
    if (this.#steps.length > MOST_STEPS) this.#steps.shift();
  }

  /** Wall-clock microseconds at which the system had been up for zero. */
  get epochMicros(): Micros {
    return this.#offset;
  }

  toMicros(bootNs: bigint): Micros {
    return Number(bootNs / 1000n) + this.#offset;
  }

  /** As {@link toMicros} gave it at that time, before the clock was set: what was recorded then has that time. */
  wallAt(bootNs: bigint): Micros {
    const at = Number(bootNs / 1000n);
    return at + (this.#steps.find((step) => at < step.at)?.offset ?? this.#offset);
  }

  /** {@link wallAt}, so many milliseconds ago. */
  ago(ms: number): Micros {
    return this.wallAt(BigInt(Math.round(this.#bootMicros() - ms * 1000)) * 1000n);
  }

  now(): Micros {
    return this.#bootMicros() + this.#offset;
  }

  #bootMicros(): number {
    this.#gettime(CLOCK_BOOTTIME, this.#timespec);
    return Number(this.#timespec[0]) * 1_000_000 + Math.floor(Number(this.#timespec[1]) / 1000);
  }
}
