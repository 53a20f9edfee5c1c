/** What a value may depend on. */
import type { Origin } from './types.ts';

export type Origins = ReadonlyMap<string, Origin>;

export interface Column {
  readonly name: string;
  readonly flow: Flow;
}

export interface Flow {
  /** Masked columns, by `originKey`. */
  readonly origins: Origins;
  /** Why nothing can be said. */
  readonly untraceable: string | null;
  /** The column, masked or not, whose value it is, unchanged. */
  readonly direct: Origin | null;
  /** Its fields, where it is a row whose fields are known. */
  readonly row: readonly Column[] | null;
  /** It may be a row, or an array of rows: how many columns it makes in FROM is not known. */
  readonly composite: boolean;
}

/** The rows of a query. `conditions` is what decides which rows they are. */
export interface Query {
  readonly columns: readonly Column[];
  readonly conditions: Flow;
}

const NONE: Origins = new Map();

/** Depends on no column at all: a constant, say. */
export const CLEAR: Flow = { origins: NONE, untraceable: null, direct: null, row: null, composite: false };

export function originKey({ relation, attnum }: Origin): string {
  return `${relation}.${attnum}`;
}

export function opaque(reason: string): Flow {
  return { ...CLEAR, untraceable: reason, composite: true };
}

function union(a: Origins, b: Origins): Origins {
  if (a === b || b.size === 0) return a;
  if (a.size === 0) return b;
  const both = new Map(a);
  for (const [key, origin] of b) both.set(key, origin);
  return both.size === a.size ? a : both;
}

/** A value made of these: it depends on all of them, and is none of them. */
export function join(flows: Iterable<Flow>): Flow {
  let origins = NONE;
  let untraceable: string | null = null;
  let composite = false;
  for (const flow of flows) {
    origins = union(origins, flow.origins);
    untraceable ??= flow.untraceable;
    composite ||= flow.composite;
  }
  if (origins.size === 0 && untraceable === null && !composite) return CLEAR;
  return { origins, untraceable, direct: null, row: null, composite };
}

/** The same, as a value that is no row and no array of rows. */
export function scalar(flow: Flow): Flow {
  return flow.composite || flow.row !== null ? { ...flow, row: null, composite: false } : flow;
}

/** A value that is found by a condition: it depends on that too. */
export function foundBy(value: Flow, condition: Flow): Flow {
  if (!tainted(condition)) return value;
  const row = value.row?.map(({ name, flow }) => ({ name, flow: foundBy(flow, condition) })) ?? null;
  return { ...join([value, condition]), composite: value.composite, row };
}

/** One of these values, unchanged: still direct where all are the same column. */
export function either(flows: readonly Flow[]): Flow {
  const [first] = flows;
  if (first === undefined) return CLEAR;
  if (flows.length === 1) return first;
  const key = first.direct && originKey(first.direct);
  const same = key !== null && flows.every(({ direct }) => direct !== null && originKey(direct) === key);
  return { ...join(flows), direct: same ? first.direct : null };
}

/** The row that these columns make. */
export function rowOf(columns: readonly Column[]): Flow {
  return { ...join(columns.map(({ flow }) => flow)), row: columns, composite: true };
}

export function tainted({ origins, untraceable }: Flow): boolean {
  return origins.size > 0 || untraceable !== null;
}

/**
 * A stored value as it is, or a row of such: whether it is null says nothing of what it is. Of an expression
 * it may: of `nullif(ssn, '…')`, say.
 */
export function stored({ direct, row }: Flow): boolean {
  return direct !== null || (row?.every(({ flow }) => flow.direct !== null) ?? false);
}

/** As much is known of both. */
export function sameTaint(a: Flow, b: Flow): boolean {
  return a.origins.size === b.origins.size && (a.untraceable === null) === (b.untraceable === null);
}
