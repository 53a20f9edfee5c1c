/** INSERT, UPDATE, DELETE and MERGE: what they write where, and what they return. */
import type {
  DeleteStmt,
  InsertStmt,
  MergeStmt,
  MergeWhenClause,
  Node,
  OnConflictClause,
  UpdateStmt,
} from '@pgsql/types';
import type { Context } from './context.ts';
import { Untraceable } from './errors.ts';
import { CLEAR, either, type Flow, join, type Query, tainted } from './flow.ts';
import { fromClause } from './from.ts';
import { as, isStar } from './nodes.ts';
import { item, type Scope } from './scope.ts';
import { fieldsOf, mixed } from './targets.ts';
import { withTables } from './with.ts';
import { assign, assignments, returning, type Target, targetOf } from './written.ts';

function condition(node: Node | undefined, scope: Scope, context: Context): Flow {
  return node === undefined ? CLEAR : context.expression(node, scope, context);
}

/** The columns that values go to, in order: those named, or all. */
function columnsInto(cols: readonly Node[] | undefined, target: Target): readonly string[] {
  if (cols === undefined || cols.length === 0) return target.item.columns.map(({ name }) => name);
  return cols.map((node) => as(node, 'ResTarget')?.name ?? '');
}

function insertInto(
  names: readonly string[],
  values: readonly Flow[],
  target: Target,
  context: Context,
): void {
  values.forEach((value, at) => {
    const name = names[at];
    if (name === undefined) throw new Untraceable('there are more values than columns');
    assign(target, name, value, context);
  });
}

/** What is not made of masked values is as good as what the column holds. */
function proposedIn(column: Flow, assigned: Flow): Flow {
  return tainted(assigned) ? either([column, assigned]) : column;
}

function onConflict(
  clause: OnConflictClause | undefined,
  target: Target,
  level: Scope,
  context: Context,
): Flow {
  if (clause === undefined) return CLEAR;
  // Of the row that was to be inserted: defaults are as good as what the column holds.
  const proposed = target.item.columns.map(({ name, flow }) => ({
    name,
    flow: proposedIn(flow, target.assigned.get(name) ?? CLEAR),
  }));
  const scope = { ...level, items: [target.item, item('excluded', proposed, { plain: false })] };
  assignments(clause.targetList, target, scope, context);
  const inferred = (clause.infer?.indexElems ?? []).map((node) =>
    condition(as(node, 'IndexElem')?.expr, scope, context),
  );
  return join([
    ...inferred,
    condition(clause.infer?.whereClause, scope, context),
    condition(clause.whereClause, scope, context),
  ]);
}

export function insert(stmt: InsertStmt, parent: Scope | null, context: Context): Query {
  const level = withTables(stmt.withClause, parent, context);
  const target = targetOf(stmt.relation, context);
  const source = stmt.selectStmt === undefined ? null : context.query(stmt.selectStmt, level, context);
  const names = columnsInto(stmt.cols, target);
  insertInto(names, source?.columns.map(({ flow }) => flow) ?? [], target, context);
  const conflict = onConflict(stmt.onConflictClause, target, level, context);
  const conditions = join([target.conditions, source?.conditions ?? CLEAR, conflict]);
  return returning(stmt.returningClause, target, [], level, conditions, context);
}

export function update(stmt: UpdateStmt, parent: Scope | null, context: Context): Query {
  const level = withTables(stmt.withClause, parent, context);
  const target = targetOf(stmt.relation, context);
  const from = fromClause(stmt.fromClause ?? [], level, context);
  const scope = { ...level, items: [target.item, ...from.items] };
  assignments(stmt.targetList, target, scope, context);
  const where = condition(stmt.whereClause, scope, context);
  const conditions = join([target.conditions, from.conditions, where, ...level.rows]);
  return returning(stmt.returningClause, target, from.items, level, conditions, context);
}

export function remove(stmt: DeleteStmt, parent: Scope | null, context: Context): Query {
  const level = withTables(stmt.withClause, parent, context);
  const target = targetOf(stmt.relation, context);
  const using = fromClause(stmt.usingClause ?? [], level, context);
  const scope = { ...level, items: [target.item, ...using.items] };
  const where = condition(stmt.whereClause, scope, context);
  const conditions = join([target.conditions, using.conditions, where, ...level.rows]);
  return returning(stmt.returningClause, target, using.items, level, conditions, context);
}

function whenClause(clause: MergeWhenClause, target: Target, scope: Scope, context: Context): Flow {
  const decides = condition(clause.condition, scope, context);
  if (clause.commandType === 'CMD_INSERT') {
    const values = (clause.values ?? []).flatMap((node) => fieldsOf(node, scope, context));
    insertInto(columnsInto(clause.targetList, target), values, target, context);
  } else assignments(clause.targetList, target, scope, context);
  return decides;
}

export function merge(stmt: MergeStmt, parent: Scope | null, context: Context): Query {
  const level = withTables(stmt.withClause, parent, context);
  const target = targetOf(stmt.relation, context);
  if (stmt.sourceRelation === undefined) throw new Untraceable('the source of MERGE is missing');
  const source = fromClause([stmt.sourceRelation], level, context);
  const both = { ...level, items: [target.item, ...source.items] };
  const on = condition(stmt.joinCondition, both, context);
  const clauses = (stmt.mergeWhenClauses ?? []).map((node): Flow => {
    const clause = as(node, 'MergeWhenClause');
    if (clause === null) throw new Untraceable('a clause of MERGE is not understood');
    const inserts = clause.matchKind === 'MERGE_WHEN_NOT_MATCHED_BY_TARGET';
    return whenClause(clause, target, inserts ? { ...level, items: source.items } : both, context);
  });
  const conditions = join([target.conditions, source.conditions, on, ...clauses, ...level.rows]);
  const result = returning(stmt.returningClause, target, source.items, level, conditions, context);
  // A star without a qualifier puts the source's columns first, unlike the other statements' stars: no server
  // at hand shows it.
  const star = (stmt.returningClause?.exprs ?? []).some((node) => {
    const fields = as(as(node, 'ResTarget')?.val, 'ColumnRef')?.fields ?? [];
    return fields.length === 1 && isStar(fields[0]);
  });
  return star ? { ...result, columns: mixed(result.columns) } : result;
}
