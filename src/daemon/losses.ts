/**
 * How many of the kernel's losses the record has told of. The kernel's counters are pinned and outlive the daemon: what
 * was lost while none ran is told by the next.
 */

/** Key in the store's `meta`. */
export const LOSSES_TOLD = 'losses-told';

/** The value under that key. Counters begin anew with each boot. */
export function lossesText(boot: string, counts: readonly bigint[]): string {
  return JSON.stringify({ boot, counts: counts.map(String) });
}

/**
 * @param text what was written last; null where nothing was
 * @param now the counters as they are: where one is lower than it was told, its map was made anew since
 * @returns counts below which everything was told
 */
export function lossesTold(text: string | null, boot: string, now: readonly bigint[]): readonly bigint[] {
  const told = text === null ? null : (JSON.parse(text) as { boot: string; counts: string[] });
  const counts = told?.boot === boot ? told.counts.map(BigInt) : [];
  const anew = now.some((count, index) => count < (counts[index] ?? 0n));
  return anew ? [] : counts;
}
