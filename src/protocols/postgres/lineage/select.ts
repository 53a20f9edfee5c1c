/** SELECT, VALUES and set operations. */
import type { Node, SelectStmt } from '@pgsql/types';
import { windowFlow } from './calls.ts';
import type { Context } from './context.ts';
import { Untraceable } from './errors.ts';
import { ordered } from './expressions.ts';
import { CLEAR, type Column, either, type Flow, join, type Query } from './flow.ts';
import { fromClause } from './from.ts';
import { leakInto } from './leaks.ts';
import { as, texts } from './nodes.ts';
import type { Scope } from './scope.ts';
import { fieldsOf, targetColumns } from './targets.ts';
import { withTables } from './with.ts';

function some(nodes: readonly (Node | undefined)[], scope: Scope, context: Context): Flow[] {
  return nodes.filter((node) => node !== undefined).map((node) => context.expression(node, scope, context));
}

/** An entry of ORDER BY, GROUP BY or DISTINCT ON may be a result's name or its number. */
function keys(
  nodes: readonly Node[] | undefined,
  columns: readonly Column[],
  scope: Scope,
  context: Context,
): Flow[] {
  return (nodes ?? []).map((entry): Flow => {
    const sort = as(entry, 'SortBy');
    if (sort?.node !== undefined)
      return ordered(sort, join(keys([sort.node], columns, scope, context)), context);
    const node = entry;
    const set = as(node, 'GroupingSet');
    if (set !== null) return join(keys(set.content, columns, scope, context));
    const number = as(node, 'A_Const')?.ival?.ival;
    if (number !== undefined) return columns[number - 1]?.flow ?? CLEAR;
    const fields = as(node, 'ColumnRef')?.fields ?? [];
    const name = fields.length === 1 ? texts(fields)[0] : undefined;
    const result = columns.find((column) => column.name === name);
    return result === undefined ? context.expression(node, scope, context) : result.flow;
  });
}

/** What is said of the rows after they are made. */
function ordering(stmt: SelectStmt, columns: readonly Column[], scope: Scope, context: Context): Flow {
  const limits = some([stmt.limitCount, stmt.limitOffset], scope, context);
  return join([...limits, ...keys(stmt.sortClause, columns, scope, context)]);
}

function setOperation(stmt: SelectStmt, scope: Scope, context: Context): Query {
  const { larg, rarg } = stmt;
  if (larg === undefined || rarg === undefined) throw new Untraceable('a set operation is not understood');
  const left = context.query({ SelectStmt: larg }, scope, context);
  const right = context.query({ SelectStmt: rarg }, scope, context);
  if (left.columns.length !== right.columns.length)
    throw new Untraceable('the sides of a set operation have different numbers of columns');
  const columns = left.columns.map(
    ({ name, flow }, at): Column => ({ name, flow: either([flow, right.columns[at]?.flow ?? CLEAR]) }),
  );
  // Which rows INTERSECT and EXCEPT leave depends on the values of both.
  const compared = stmt.op === 'SETOP_UNION' ? CLEAR : join(columns.map(({ flow }) => flow));
  const order = ordering(stmt, columns, scope, context);
  return { columns, conditions: join([left.conditions, right.conditions, compared, order]) };
}

function values(stmt: SelectStmt, scope: Scope, context: Context): Query {
  const rows = (stmt.valuesLists ?? []).map((row) =>
    (as(row, 'List')?.items ?? []).flatMap((node) => fieldsOf(node, scope, context)),
  );
  const width = Math.max(0, ...rows.map((row) => row.length));
  const columns = Array.from({ length: width }, (_, at): Column => {
    const flow = join(rows.map((row) => row[at] ?? CLEAR));
    return { name: `column${at + 1}`, flow };
  });
  return { columns, conditions: ordering(stmt, columns, scope, context) };
}

function simple(stmt: SelectStmt, level: Scope, context: Context): Query {
  const from = fromClause(stmt.fromClause ?? [], level, context);
  const windows = new Map<string, Flow>();
  const scope: Scope = { ...level, items: from.items, windows };
  for (const node of stmt.windowClause ?? []) {
    const window = as(node, 'WindowDef');
    if (window?.name !== undefined) windows.set(window.name, windowFlow(window, scope, context));
  }
  const columns = targetColumns(stmt.targetList ?? [], scope, context);
  const distinct = (stmt.distinctClause ?? []).filter((node) => Object.keys(node).length > 0);
  const conditions = [
    from.conditions,
    ...some([stmt.whereClause, stmt.havingClause], scope, context),
    ...keys(stmt.groupClause, columns, scope, context),
    ...keys(distinct, columns, scope, context),
    ordering(stmt, columns, scope, context),
    ...level.rows,
  ];
  return { columns, conditions: join(conditions) };
}

/** Where SELECT INTO stands: in the leftmost of a set operation. */
export function intoOf(stmt: SelectStmt): SelectStmt['intoClause'] {
  let select = stmt;
  while (select.larg !== undefined) select = select.larg;
  return select.intoClause;
}

export function select(stmt: SelectStmt, parent: Scope | null, context: Context): Query {
  const level = withTables(stmt.withClause, parent, context);
  const query =
    stmt.larg !== undefined || (stmt.op !== undefined && stmt.op !== 'SETOP_NONE')
      ? setOperation(stmt, level, context)
      : stmt.valuesLists !== undefined
        ? values(stmt, level, context)
        : simple(stmt, level, context);
  const into = intoOf(stmt);
  if (into !== undefined) leakInto(query.columns, `the table ${into.rel?.relname ?? ''}`, context);
  return query;
}
