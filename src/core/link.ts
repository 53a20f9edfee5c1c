import type { Link } from './types.ts';

/**
 * Hops above a login, over all hosts: what policies read as `hops`. Where it came from a host of the fleet, and nobody can
 * say by which hop, it is one at least.
 */
export function hopsAbove(link: Link | null): number {
  if (link === null) return 0;
  return link.evidence === null && link.host !== null ? 1 : link.depth;
}
