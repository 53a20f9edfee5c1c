import type { HlKey } from '../kernel/layouts.generated.ts';
import type { KernelMaps } from '../kernel/maps.ts';
import { processKey } from './image.ts';
import type { Root } from './roots.ts';

/**
 * How many processes live below a root: the kernel counts them, one up at a fork and one down at an exit. Those that
 * were there before the programs are added from here, and an entry of a map can only be read, changed and written:
 * what the kernel counts in between is lost. So nothing is added up. The count has to be the number of lines that name
 * the root; both move together, so what is wrong with it stays the same however many processes come and go. That is
 * measured until two looks agree, taken off in one step, and measured again.
 *
 * Known gap: a fork or an exit in that step (some 20 µs) that no later look sees. A root that ends too early for it is
 * found by {@link recount}; one that never ends is over at the daemon's next start.
 */
type Maps = Pick<KernelMaps, 'lineage' | 'roots'>;

/** What the kernel needs to know of a root to have it again. */
export interface Held {
  readonly leader: HlKey;
  readonly kind: number;
}

/** More than a machine has processes: a root with so many too much does not end while its lines are being written. */
const HELD = 1 << 30;
const LOOKS = 20;

/** Makes sure that the kernel has the root, so that it counts forks from the first line on that names it. */
export function holdRoot({ roots }: Maps, id: bigint, { leader, kind }: Held): void {
  roots.add(id, { leader, live: HELD, kind });
}

/**
 * Sets counts right, and takes away the roots of which nothing lives: the kernel would not tell their end.
 * @param roots null for one that is only looked after where the kernel has it
 */
export function settleRoots(maps: Maps, roots: ReadonlyMap<bigint, Held | null>): void {
  const open = new Map(roots);
  const before = new Map<bigint, number>();
  for (let look = 1; look <= LOOKS && open.size > 0; look++) {
    const counted = new Map([...open.keys()].map((id) => [id, maps.roots.get(id)?.live]));
    const lines = countLines(maps);
    for (const [id, held] of open) {
      // Its last counted process may have gone meanwhile, and the kernel have ended it.
      if (held && lines.has(id)) holdRoot(maps, id, held);
      const root = maps.roots.get(id);
      const excess = root === null ? 0 : root.live - (lines.get(id) ?? 0);
      // What came or went while the lines were read may be in one number and not in the other.
      const calm = root?.live === counted.get(id);
      const agreed = calm && excess === before.get(id);
      if (calm) before.set(id, excess);
      if (agreed && excess === 0) open.delete(id);
      // The last look settles for what it sees.
      else if (agreed || look === LOOKS) takeOff(maps, id, excess);
    }
  }
}

/** Roots that a daemon held and did not live to settle. */
export function heldRoots({ roots }: Maps): bigint[] {
  return roots.keys().filter((id) => (roots.get(id)?.live ?? 0) >= HELD / 2);
}

/**
 * The kernel has told a root's end: do processes of it live? Then it has the root again, with their number.
 * @returns how many
 */
export function recount(maps: Maps, { kernelId, leader }: Root): number {
  for (const key of maps.lineage.keys()) {
    const line = maps.lineage.get(key);
    if (line?.root !== kernelId) continue;
    const [tgid, startNs] = leader.split('.');
    const known = tgid && startNs ? { tgid: Number(tgid), startNs: BigInt(startNs) } : key;
    settleRoots(maps, new Map([[kernelId, { leader: known, kind: line.kind }]]));
    return maps.roots.get(kernelId)?.live ?? 0;
  }
  return 0;
}

function takeOff({ roots }: Maps, id: bigint, excess: number): void {
  const now = roots.get(id);
  if (now === null) return;
  if (now.live > excess) roots.set(id, { ...now, live: now.live - excess });
  else roots.delete(id);
}

function countLines({ lineage }: Maps): Map<bigint, number> {
  const lines = new Map<bigint, number>();
  // A key that goes while it is being looked at sends the walk back to the beginning.
  for (const key of new Map(lineage.keys().map((each) => [processKey(each), each])).values()) {
    const root = lineage.get(key)?.root;
    if (root !== undefined) lines.set(root, (lines.get(root) ?? 0) + 1);
  }
  return lines;
}
