/** Hits of several detectors, put in order and apart. */
import type { Hit } from './hit.ts';

/**
 * Leftmost first, of those that begin together the longest. One that lies within another is that one; one that only
 * overlaps is joined to it, so that nothing of either stays visible.
 * @param hits at least one; in the order of detectors, which decides between equals
 */
export function merge(hits: Hit[]): readonly Hit[] {
  if (hits.length === 1) return hits;
  hits.sort((a, b) => a.start - b.start || b.end - a.end);
  const apart: Hit[] = [];
  for (const hit of hits) {
    const last = apart.at(-1);
    if (last === undefined || hit.start >= last.end) apart.push(hit);
    else if (hit.end > last.end) apart[apart.length - 1] = { ...last, end: hit.end, merged: true };
  }
  return apart;
}
