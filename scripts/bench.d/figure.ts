/** What a figure is: how it is measured, what was asked of it, and what came out. */
import type { Lab } from './lab.ts';

export interface Bench {
  readonly lab: Lab;
  /** Fewer and shorter: to see that it works, not what it costs. */
  readonly quick: boolean;
  progress(text: string): void;
}

/** One line of the table. */
export interface Result {
  /** What is measured, in a few words. */
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** As the issue asks for it; null for a line that only explains another. */
  readonly target: { readonly limit: number; readonly sense: 'at most' | 'at least' } | null;
  /** The same without Hopline, in the same run. */
  readonly direct: number | null;
  /** With Hopline, where value is a difference or a ratio. */
  readonly hopline: number | null;
  /** hopline / direct. */
  readonly ratio: number | null;
  /** How it was measured, how often, and what else is to know. */
  readonly detail: string;
}

export interface Figure {
  readonly name: string;
  readonly what: string;
  run(bench: Bench): Promise<Result[]>;
}

export function met({ value, target }: Result): boolean | null {
  if (target === null) return null;
  return target.sense === 'at most' ? value <= target.limit : value >= target.limit;
}

/** A difference of two measured in the same run. */
export function added(
  what: string,
  unit: string,
  direct: number,
  hopline: number,
  limit: number | null,
  detail: string,
): Result {
  const target = limit === null ? null : ({ limit, sense: 'at most' } as const);
  return { what, value: hopline - direct, unit, target, direct, hopline, ratio: hopline / direct, detail };
}

/** A figure that has no counterpart without Hopline. */
export function absolute(
  what: string,
  value: number,
  unit: string,
  limit: number | null,
  detail: string,
): Result {
  const target = limit === null ? null : ({ limit, sense: 'at most' } as const);
  return { what, value, unit, target, direct: null, hopline: null, ratio: null, detail };
}

/** Two rates of the same run. @param limit at least; null where nobody asked for one */
export function ratio(
  what: string,
  unit: string,
  base: number,
  hopline: number,
  limit: number | null,
  detail: string,
): Result {
  const target = limit === null ? null : ({ limit, sense: 'at least' } as const);
  return { what, value: hopline / base, unit, target, direct: base, hopline, ratio: hopline / base, detail };
}
