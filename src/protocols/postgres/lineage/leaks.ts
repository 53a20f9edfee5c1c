/** Where masked values would be kept, and be read later without a mask. */
import { type Context, describeFlow, relationName } from './context.ts';
import { type Column, type Flow, tainted } from './flow.ts';
import { lasting, readingOf } from './readings.ts';
import type { CatalogueRelation } from './types.ts';

/** @param how what would become of the value, as in `stored in` */
export function leak(flow: Flow, how: string, context: Context): void {
  if (tainted(flow)) context.report.leak(`${describeFlow(flow, context.catalogue)} would be ${how}`);
}

/** Columns that would be kept elsewhere. */
export function leakInto(columns: readonly Column[], where: string, context: Context): void {
  for (const { name, flow } of columns) leak(flow, `stored in ${where}, column ${name}`, context);
}

/**
 * Threat: what was prepared before a relation of that name was put in front goes on with the one behind it, and what is
 * in front may be gone by the time that a statement runs.
 */
export function lookBehind(relation: CatalogueRelation, context: Context): void {
  const behind = context.catalogue
    .hidden(relation.name)
    .find((each) => readingOf(each, context).columns.some(({ flow }) => tainted(flow)));
  if (behind !== undefined)
    context.report.leak(
      `${relation.name} is ${relationName(relation)}, which hides ${relationName(behind)} and its masked columns: say the schema`,
    );
}

/** A value for a column: it may be kept there if all that masks the value masks that very column too. */
export function leakIntoColumn(value: Flow, column: Flow | null, where: string, context: Context): void {
  if (!tainted(value)) return;
  const keys = [...value.origins.keys()];
  if (value.untraceable !== null || column === null || !keys.every((key) => column.origins.has(key))) {
    leak(value, `stored in ${where}`, context);
    return;
  }
  const lasts = lasting(column, context);
  if (lasts.size === 0) leak(value, `stored in ${where}, which is masked only with tables below it`, context);
  const same = value.direct !== null && keys.every((key) => lasts.has(key));
  for (const [key, origin] of same ? [] : lasts) context.report.changed.set(key, origin);
}
