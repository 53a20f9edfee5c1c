/**
 * What the tracing of one statement carries along: what it reads, what it has found, and how much it may
 * still do.
 */
import type { Node } from '@pgsql/types';
import { Exhausted } from './errors.ts';
import type { Flow, Query } from './flow.ts';
import type { Scope } from './scope.ts';
import type { Catalogue, CatalogueRelation, Masked, Origin } from './types.ts';

/** Hostile statements are small and make much work: a star over joins of views, CTEs that double. */
const MOST_STEPS = 300_000;
/** The tree's own depth is bounded by the parser; bodies of views and functions add theirs. */
const MOST_DEPTH = 1_500;
/** Views and functions that lead to one another. */
export const MOST_BODIES = 32;

/** What reading a definition costs, in steps. */
export const PARSING = 50;

export class Budget {
  #steps = 0;
  #depth = 0;

  spend(steps = 1): void {
    this.#steps += steps;
    if (this.#steps > MOST_STEPS) throw new Exhausted('the statement is too large to be traced');
  }

  /** @throws Exhausted */
  deeper<T>(work: () => T): T {
    if (++this.#depth > MOST_DEPTH) throw new Exhausted('the statement is nested too deeply to be traced');
    try {
      return work();
    } finally {
      this.#depth--;
    }
  }
}

/** What was found beside the result columns. */
export class Report {
  readonly leaks = new Set<string>();
  /** The first thing anywhere in the statement that can't be followed. */
  opaque: string | null = null;

  /** Masked columns that would get something made of what they hold. */
  readonly changed = new Map<string, Origin>();

  leak(sentence: string): void {
    this.leaks.add(sentence);
  }
}

export interface Context {
  readonly catalogue: Catalogue;
  readonly masked: Masked;
  readonly report: Report;
  readonly budget: Budget;
  /** What is read from a relation, by its OID: the same for every statement. */
  readonly readings: Map<number, Query>;
  /** How many definitions of views and bodies of functions one is in. */
  readonly bodies: number;
  /** Handed over, not imported: expressions hold queries, and queries hold expressions. */
  readonly expression: (node: Node, scope: Scope, context: Context) => Flow;
  readonly query: (node: Node, scope: Scope, context: Context) => Query;
}

export function relationName({ schema, name }: CatalogueRelation): string {
  return `${schema}.${name}`;
}

function describe({ relation, attnum }: Origin, catalogue: Catalogue): string {
  const known = catalogue.byOid(relation);
  const column = known?.columns.find((each) => each.attnum === attnum);
  return known === null ? `relation ${relation}` : `${relationName(known)}.${column?.name ?? attnum}`;
}

/** Who would flow, for a sentence: `public.people.ssn, public.people.phone`, or why that is not known. */
export function describeFlow(flow: Flow, catalogue: Catalogue): string {
  if (flow.origins.size === 0) return `a value that can't be traced (${flow.untraceable})`;
  const names = [...flow.origins.values()].map((origin) => describe(origin, catalogue));
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
}
