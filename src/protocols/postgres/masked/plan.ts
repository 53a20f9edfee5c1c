/** How the answer to a statement is shown: worked out before the server sees the statement. */
import type { CopyStmt } from '@pgsql/types';
import { FULL, type MaskForm } from '../../../masking/forms.ts';
import type { Scan } from '../../../masking/scan.ts';
import { type CopyColumn, type CopyFormat, copyOut } from '../copy/index.ts';
import type { Catalogue, ResultColumn, Traced, Tracer } from '../lineage/index.ts';
import { as } from '../sql/nodes.ts';
import { parse } from '../sql/parse.ts';
import type { Masks } from './masks.ts';

export interface Plan {
  /** By result column; null: this one is as it is. Null: every column is, and how many there are does not matter. */
  readonly forms: readonly (MaskForm | null)[] | null;
  /** Of COPY … TO STDOUT: how its data is read. */
  readonly copy: { readonly format: CopyFormat; readonly columns: readonly CopyColumn[] } | null;
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
  return scan === null ? null : { forms: null, copy: null, scan, quiet: null, opaque: false, masked: [] };
}

/** It shows nothing itself, and its errors may quote what this statement reads. */
export function quietly(statement: string | null): Plan | null {
  if (statement === null) return null;
  return { forms: null, copy: null, scan: null, quiet: statement, opaque: false, masked: [] };
}

export interface Showing {
  readonly tracer: Tracer;
  readonly catalogue: Catalogue;
  readonly masks: Masks;
  readonly scan: Scan | null;
}

/**
 * @param statement text of one statement, or of what its rows are those of
 * @param encoding the session's client_encoding
 */
export function planOf(
  statement: string,
  encoding: string,
  { tracer, catalogue, masks, scan }: Showing,
): Plan | Refused | null {
  const copy = COPY.test(statement) ? as(parse(statement).tree?.stmts?.[0]?.stmt, 'CopyStmt') : null;
  const touches = tracer.touchesMasked(statement);
  if (!touches && (scan === null || copy === null)) return scanning(scan);
  const traced = tracer.trace(statement);
  if (traced.leaks.length > 0) return { refused: sentence(traced.leaks[0] ?? '') };
  if (traced.outcome === 'untraceable') return { refused: sentence(traced.reason) };
  const shifted = traced.changed.find((origin) => showsParts(masks.form(origin)));
  if (shifted !== undefined)
    return {
      refused: sentence(
        `${masks.name(shifted)} would be changed, and the part of it that is shown be another`,
      ),
    };
  const opaque = tracer.opaqueCall(statement) !== null;
  const quiet = touches || opaque ? statement : null;
  const whole = { forms: null, copy: null, scan, quiet, opaque, masked: [] };
  if (traced.outcome === 'none') return whole;
  const forms = traced.columns.map((column) => formOf(column, masks));
  const shown = forms.every((form) => form === null) ? null : forms;
  const masked = namesOf(traced, masks);
  const plan = {
    ...{ ...whole, forms: shown, masked },
    // What is there to trace is either masked, or decides which rows come, or can't be followed.
    opaque:
      opaque ||
      traced.columns.some(({ untraceable }) => untraceable !== null) ||
      masked.length + traced.conditions.length === 0,
  };
  return copy === null || (shown ?? scan) === null
    ? plan
    : copying(plan, copy, encoding, traced.columns, catalogue);
}

/** What may be one. */
const COPY = /\bcopy\b/i;

function copying(
  plan: Plan,
  copy: CopyStmt,
  encoding: string,
  traced: readonly ResultColumn[],
  catalogue: Catalogue,
): Plan | Refused {
  const out = copyOut(copy, encoding);
  if (out.outcome === 'unmaskable') return { refused: out.reason };
  if (!out.copy.pinned && out.copy.format !== 'binary')
    return { refused: 'COPY cannot be masked: it cannot be told to say its encoding' };
  const columns = traced.map(({ name, direct }, at): CopyColumn => {
    const mask = plan.forms?.[at] ?? null;
    const known = direct === null ? null : (catalogue.byOid(direct.relation) ?? null);
    const type = known?.columns.find(({ attnum }) => attnum === direct?.attnum)?.typeOid;
    // Of what type an expression is only the server knows: a masked one is NULL, in others it is looked as into text.
    const typeOid = type ?? (mask === null && out.copy.format !== 'binary' ? TEXT : NONE);
    return { name, typeOid, limit: -1, mask, scan: mask === null ? plan.scan : null };
  });
  return { ...plan, copy: { format: out.copy, columns } };
}

/** pg_type's oids. */
const TEXT = 25;
const NONE = 0;

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

/** What stands in the place of a value depends on it. */
const showsParts = ({ kind }: MaskForm): boolean => kind !== 'full' && kind !== 'null';

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
