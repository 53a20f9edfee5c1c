/** What connections that do nothing cost a daemon. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from './lab.ts';
import { memoryOf } from './memory.ts';

export interface Held {
  readonly count: number;
  /** Milliseconds after the last of them. */
  readonly wait: number;
  /** Makes so many and holds them. */
  hold(many: number): Promise<{ stop(): Promise<void> }>;
}

/** kB of all the daemon's processes for each of `count`, beside a quarter as many. */
export async function growth(lab: Lab, { count, wait, hold }: Held): Promise<number> {
  // What was measured before left room in its heap, in which they would cost nothing.
  await lab.daemon('bastion1', 'restart');
  const few = await hold(count / 4);
  await sleep(wait);
  const before = memoryOf(lab.daemonPids('bastion1'));
  const many = await hold(count);
  await sleep(wait);
  const during = memoryOf(lab.daemonPids('bastion1'));
  await Promise.all([few.stop(), many.stop()]);
  return (during.once - before.once) / count;
}
