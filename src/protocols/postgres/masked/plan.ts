/** How the answer to a statement is shown: worked out before the server sees the statement. */
import { FULL, type MaskForm } from '../../../masking/forms.ts';
import type { Scan } from '../../../masking/scan.ts';
import type { ResultColumn, Traced, Tracer } from '../lineage/index.ts';
import type { Masks } from './masks.ts';

export interface Plan {
  /** By result column; null: this one is as it is. Null: every column is, and how many there are does not matter. */
  readonly forms: readonly (MaskForm | null)[] | null;
  /** What detectors find in columns that have no mask. */
  readonly scan: Scan | null;
  /** Its errors and notices may quote values of masked columns. Null: they may not; else its text. */
  readonly quiet: string | null;
  /** Something in it can't be followed. */
  readonly opaque: boolean;
  /** The masked columns that it shows, as `schema.table.column`, for the record. */
  readonly masked: readonly string[];
}

/** It is not run: a sentence that says why. */
export interface Refused {
  readonly refused: string;
}

export const isRefused = (plan: Plan | Refused | null): plan is Refused => plan !== null && 'refused' in plan;

/** Where nothing is masked by origin. */
export function scanning(scan: Scan | null): Plan | null {
  return scan === null ? null : { forms: null, scan, quiet: null, opaque: false, masked: [] };
}

/** @param statement text of one statement, or of what its rows are those of */
export function planOf(
  statement: string,
  tracer: Tracer,
  masks: Masks,
  scan: Scan | null,
): Plan | Refused | null {
  if (!tracer.touchesMasked(statement)) return scanning(scan);
  const traced = tracer.trace(statement);
  if (traced.leaks.length > 0) return { refused: sentence(traced.leaks[0] ?? '') };
  if (traced.outcome === 'untraceable') return { refused: sentence(traced.reason) };
  if (traced.outcome === 'none') return { forms: null, scan, quiet: statement, opaque: false, masked: [] };
  const forms = traced.columns.map((column) => formOf(column, masks));
  const masked = namesOf(traced, masks);
  return {
    forms: forms.every((form) => form === null) ? null : forms,
    scan,
    quiet: statement,
    // What is there to trace is either masked, or decides which rows come, or can't be followed.
    opaque:
      traced.columns.some(({ untraceable }) => untraceable !== null) ||
      masked.length + traced.conditions.length === 0,
    masked,
  };
}

function sentence(reason: string): string {
  return `it could show masked values: ${reason}`;
}

/** A value made of masked ones is masked in full: how much of them it tells cannot be known. */
function formOf({ origins, direct, untraceable }: ResultColumn, masks: Masks): MaskForm | null {
  if (untraceable !== null) return FULL;
  if (origins.length === 0) return null;
  if (direct === null) return FULL;
  const [first, ...others] = origins.map((origin) => masks.form(origin));
  return first !== undefined && others.every((form) => same(form, first)) ? first : FULL;
}

function same(one: MaskForm, other: MaskForm): boolean {
  return (
    one.kind === other.kind &&
    (one.kind !== 'partial' ||
      (other.kind === 'partial' && one.first === other.first && one.last === other.last))
  );
}

function namesOf(traced: Traced & { outcome: 'columns' }, masks: Masks): readonly string[] {
  const names = new Set<string>();
  for (const { origins, untraceable, name } of traced.columns) {
    for (const origin of origins) names.add(masks.name(origin));
    if (untraceable !== null) names.add(`${name ?? '?'}: ${untraceable}`);
  }
  return [...names];
}
