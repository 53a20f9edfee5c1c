import type { Link } from './types.ts';

/**
 * Hosts that the way to a login has led through: what policies read as `hops`. Where a login came from a host of the
 * fleet, and nobody can say by which hop, it is one at least.
 */
export function hostsAbove(link: Link | null): number {
  if (link === null) return 0;
  return link.evidence === null && link.host !== null ? 1 : link.depth;
}
