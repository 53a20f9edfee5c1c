/** Where masked values would be kept, and be read later without a mask. */
import { type Context, describeFlow } from './context.ts';
import { type Column, type Flow, tainted } from './flow.ts';

/** @param how what would become of the value, as in `stored in` */
export function leak(flow: Flow, how: string, context: Context): void {
  if (tainted(flow)) context.report.leak(`${describeFlow(flow, context.catalogue)} would be ${how}`);
}

/** Columns that would be kept elsewhere. */
export function leakInto(columns: readonly Column[], where: string, context: Context): void {
  for (const { name, flow } of columns) leak(flow, `stored in ${where}, column ${name}`, context);
}

/** A value for a column: it may be kept there if all that masks the value masks that very column too. */
export function leakIntoColumn(value: Flow, column: Flow | null, where: string, context: Context): void {
  const covered =
    value.untraceable === null && [...value.origins.keys()].every((key) => column?.origins.has(key) === true);
  if (!covered) leak(value, `stored in ${where}`, context);
}
