import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Looks until there is something to see: neither null, undefined nor false.
 * @throws Error when the time is up, saying what was waited for
 */
export async function until<T>(
  look: () => T | Promise<T>,
  what: string,
  timeoutMs = 60_000,
): Promise<NonNullable<T>> {
  const end = Date.now() + timeoutMs;
  for (let wait = 5; ; wait = Math.min(2 * wait, 100)) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (Date.now() >= end) throw new Error(`after ${timeoutMs / 1000} s still not: ${what}`);
    await sleep(wait);
  }
}
