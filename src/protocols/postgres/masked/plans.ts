/** Plans by the text of their statement, for one catalogue, person and search path: shared by all sessions that have the same. */
import type { Scan } from '../../../masking/scan.ts';
import { type Catalogue, Tracer } from '../lineage/index.ts';
import { Cache } from '../sql/cache.ts';
import type { Masks } from './masks.ts';
import { type Plan, planOf, type Refused, type Showing } from './plan.ts';

const MOST_ENTRIES = 5_000;
const MOST_BYTES = 4 * 1024 * 1024;

export class Plans {
  readonly #showing: Showing;
  readonly #known = new Cache<{ readonly plan: Plan | Refused | null }>(MOST_ENTRIES, MOST_BYTES);

  constructor(catalogue: Catalogue, masks: Masks, scan: Scan | null) {
    this.#showing = { tracer: new Tracer(catalogue, masks.masked), catalogue, masks, scan };
  }

  /** Names what a statement calls whose result may be anything; null: nothing. */
  opaqueCall(statement: string): string | null {
    return this.#showing.tracer.opaqueCall(statement);
  }

  of(statement: string, encoding: string): Plan | Refused | null {
    const key = `${encoding} ${statement}`;
    const before = this.#known.get(key);
    if (before !== undefined) return before.plan;
    const plan = planOf(statement, encoding, this.#showing);
    this.#known.set(key, { plan }, 4 * statement.length + 500);
    return plan;
  }
}

const plans = new WeakMap<Catalogue, WeakMap<Masks, Map<Scan | null, Plans>>>();

export function plansOf(catalogue: Catalogue, masks: Masks, scan: Scan | null): Plans {
  const byMasks = plans.get(catalogue) ?? new WeakMap<Masks, Map<Scan | null, Plans>>();
  plans.set(catalogue, byMasks);
  const byScan = byMasks.get(masks) ?? new Map<Scan | null, Plans>();
  byMasks.set(masks, byScan);
  const known = byScan.get(scan) ?? new Plans(catalogue, masks, scan);
  byScan.set(scan, known);
  return known;
}
