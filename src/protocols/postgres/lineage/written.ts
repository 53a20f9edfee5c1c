/** The relation that a statement writes to, and what goes into its columns. */
import type { Node, RangeVar, ReturningClause } from '@pgsql/types';
import { type Context, relationName } from './context.ts';
import { Untraceable } from './errors.ts';
import { CLEAR, type Column, type Flow, join, opaque, type Query, tainted } from './flow.ts';
import { leakIntoColumn, lookBehind } from './leaks.ts';
import { as } from './nodes.ts';
import { ofCatalogue, readingOf, ruled } from './readings.ts';
import { type Item, item, type Scope } from './scope.ts';
import { targetColumns } from './targets.ts';
import type { CatalogueRelation } from './types.ts';

export interface Target {
  readonly relation: CatalogueRelation;
  readonly item: Item;
  /** Which rows a view has. */
  readonly conditions: Flow;
  /** What this statement puts into columns, by name. */
  readonly assigned: Map<string, Flow>;
}

/** @throws Untraceable where a write to it would change the catalogue behind the server's back */
export function leaveCatalogue(relation: CatalogueRelation, context: Context): void {
  if (ofCatalogue(relation, context))
    throw new Untraceable(`${relationName(relation)} says what names mean, by which masks are found`);
}

/** @throws Untraceable where it is not known what a write to it does */
export function targetOf(body: RangeVar | undefined, context: Context): Target {
  const { schemaname, relname = '', alias } = body ?? {};
  const relation = context.catalogue.relation(schemaname ?? null, relname);
  if (relation === null) throw new Untraceable(`the relation ${relname} is not known`);
  if (ruled(relation, context))
    throw new Untraceable(`${relationName(relation)} has rules, which can't be followed`);
  leaveCatalogue(relation, context);
  if (schemaname === undefined) lookBehind(relation, context);
  const { columns, conditions } = readingOf(relation, context);
  const schema = alias === undefined ? relation.schema : null;
  const made = item(alias?.aliasname ?? relname, columns, { schema, system: true });
  return { relation, item: made, conditions, assigned: new Map() };
}

/** A value goes into a column. */
export function assign(target: Target, name: string, value: Flow, context: Context): void {
  const column = target.item.columns.find((each) => each.name === name)?.flow ?? null;
  leakIntoColumn(value, column, `${relationName(target.relation)}.${name}`, context);
  const before = target.assigned.get(name);
  target.assigned.set(name, before === undefined ? value : join([before, value]));
}

/** The source of `(a, b) = …`, taken apart. */
function multiple(source: Node, at: number, scope: Scope, context: Context): Flow {
  const row = as(source, 'RowExpr');
  const value = context.expression(row?.args?.[at] ?? source, scope, context);
  const subselect = as(source, 'SubLink')?.subselect;
  if (row !== null || subselect === undefined) return value;
  const { columns, conditions } = context.query(subselect, scope, context);
  return join([columns[at]?.flow ?? value, conditions]);
}

/** `SET column = value, …`, and the same in ON CONFLICT and MERGE. */
export function assignments(
  nodes: readonly Node[] | undefined,
  target: Target,
  scope: Scope,
  context: Context,
): void {
  for (const node of nodes ?? []) {
    const entry = as(node, 'ResTarget');
    const val = entry?.val;
    if (entry === null || entry.name === undefined || val === undefined)
      throw new Untraceable('an assignment is not understood');
    const part = as(val, 'MultiAssignRef');
    const value =
      part?.source === undefined
        ? context.expression(val, scope, context)
        : multiple(part.source, (part.colno ?? 1) - 1, scope, context);
    const indices = (entry.indirection ?? [])
      .flatMap((step) => [as(step, 'A_Indices')?.lidx, as(step, 'A_Indices')?.uidx])
      .filter((index) => index !== undefined)
      .map((index) => context.expression(index, scope, context));
    assign(target, entry.name, indices.length === 0 ? value : join([value, ...indices]), context);
  }
}

/** What the target's columns are after the statement: what was there, or what it put there. */
function after({ relation, item: { columns }, assigned }: Target): readonly Column[] {
  const instead = relation.instead
    ? opaque(`${relationName(relation)} has triggers instead of writes`)
    : CLEAR;
  return columns.map(({ name, flow }): Column => {
    const put = join([assigned.get(name) ?? CLEAR, instead]);
    return { name, flow: tainted(put) ? { ...join([flow, put]), composite: flow.composite } : flow };
  });
}

/**
 * The rows that a writing statement returns.
 * @param others what stands beside the target: FROM, USING or MERGE's source
 */
export function returning(
  clause: ReturningClause | undefined,
  target: Target,
  others: readonly Item[],
  level: Scope,
  conditions: Flow,
  context: Context,
): Query {
  if (clause === undefined) return { columns: [], conditions };
  const columns = after(target);
  const items: Item[] = [{ ...target.item, columns }, ...others];
  const names = new Map([
    ['RETURNING_OPTION_OLD', 'old'],
    ['RETURNING_OPTION_NEW', 'new'],
  ]);
  for (const node of clause.options ?? []) {
    const { option, value } = as(node, 'ReturningOption') ?? {};
    if (option === undefined || value === undefined)
      throw new Untraceable('RETURNING WITH is not understood');
    names.set(option, value);
  }
  for (const name of names.values()) {
    if (!items.some(({ alias }) => alias === name))
      items.push(item(name, columns, { plain: false, system: true }));
  }
  return { columns: targetColumns(clause.exprs ?? [], { ...level, items }, context), conditions };
}
