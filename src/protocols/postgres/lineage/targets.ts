/** Lists of results: SELECT's and RETURNING's. */
import type { Node } from '@pgsql/types';
import { rowColumns, starColumns } from './columns.ts';
import type { Context } from './context.ts';
import { Untraceable } from './errors.ts';
import { type Column, type Flow, join } from './flow.ts';
import { columnName } from './names.ts';
import { as, isStar } from './nodes.ts';
import type { Scope } from './scope.ts';

/** The name of a query's first column. */
function firstName(query: Node, scope: Scope, context: Context): string {
  let select = as(query, 'SelectStmt');
  while (select?.larg !== undefined) select = select.larg;
  if (select?.valuesLists !== undefined) return 'column1';
  const target = as(select?.targetList?.[0], 'ResTarget');
  if (target?.name !== undefined) return target.name;
  const star =
    isStar(as(target?.val, 'ColumnRef')?.fields?.at(-1)) ||
    isStar(as(target?.val, 'A_Indirection')?.indirection?.at(-1));
  if (star) return context.query(query, scope, context).columns[0]?.name ?? '?column?';
  return columnName(target?.val, (inner) => firstName(inner, scope, context));
}

/** A value in a list of values; a star is as many as it has columns. */
export function fieldsOf(node: Node, scope: Scope, context: Context): readonly Flow[] {
  const columns = starred(node, scope, context);
  return columns === null ? [context.expression(node, scope, context)] : columns.map(({ flow }) => flow);
}

/** Null: it is no star. */
function starred(node: Node, scope: Scope, context: Context): readonly Column[] | null {
  const reference = as(node, 'ColumnRef');
  if (reference !== null && isStar(reference.fields?.at(-1))) return starColumns(reference, scope, context);
  const indirection = as(node, 'A_Indirection');
  if (indirection === null || !isStar(indirection.indirection?.at(-1))) return null;
  const row = rowColumns(context.expression(node, scope, context));
  context.budget.spend(row.length);
  return row;
}

function target(node: Node, scope: Scope, context: Context): readonly Column[] {
  const found = as(node, 'ResTarget');
  const val = found?.val;
  if (found === null || val === undefined) throw new Untraceable('a result is not understood');
  const columns = starred(val, scope, context);
  if (columns !== null) return columns;
  const name = found.name ?? columnName(val, (query) => firstName(query, scope, context));
  return [{ name, flow: context.expression(val, scope, context) }];
}

/** @throws Untraceable where it is not known how many columns there are */
export function targetColumns(nodes: readonly Node[], scope: Scope, context: Context): readonly Column[] {
  return nodes.flatMap((node) => target(node, scope, context));
}

/** Columns whose order among themselves is not known: any may be any, under any name. */
export function mixed(columns: readonly Column[]): readonly Column[] {
  const flow = { ...join(columns.map((column) => column.flow)), composite: true };
  return columns.map(() => ({ name: '', flow }));
}
