/** SELECT, INSERT, UPDATE, DELETE and MERGE, and what stands in them. */
import type {
  CallStmt,
  FuncCall,
  InsertStmt,
  IntoClause,
  MergeStmt,
  Node,
  OnConflictClause,
  RangeVar,
  ReturningClause,
  SelectStmt,
  UpdateStmt,
  WithClause,
} from '@pgsql/types';
import { restricts } from './condition.ts';
import { dotted } from './found.ts';
import { reachOf } from './functions.ts';
import { as, items, text, texts } from './nodes.ts';
import { setParameter, setting, settingOfRows } from './settings.ts';
import { type Handlers, Scope, type Walker } from './walker.ts';

/** The scope of what a WITH stands before. A CTE sees the ones before it, with RECURSIVE all of its clause. */
function bind(clause: WithClause | undefined, scope: Scope, walker: Walker): Scope {
  if (clause === undefined) return scope;
  const ctes = (clause.ctes ?? []).map((node) => as(node, 'CommonTableExpr') ?? {});
  if (clause.recursive) {
    const all = new Scope(
      ctes.map(({ ctename }) => ctename ?? ''),
      scope,
    );
    for (const cte of ctes) walker.walk(cte.ctequery, all);
    return all;
  }
  let inner = scope;
  for (const { ctename, ctequery } of ctes) {
    walker.walk(ctequery, inner);
    inner = new Scope([ctename ?? ''], inner);
  }
  return inner;
}

/** SELECT INTO and CREATE TABLE AS: a relation is made and filled. */
export function fill(into: IntoClause | undefined, walker: Walker): void {
  walker.write(into?.rel);
  walker.found.kind('ddl');
  if (!into?.skipData) walker.found.kind('write');
}

/**
 * A query.
 * @param top it is what the statement itself asks: its condition and limit are the statement's
 */
export function select(node: SelectStmt, scope: Scope, walker: Walker, top: boolean): void {
  const { found } = walker;
  const inner = bind(node.withClause, scope, walker);
  if (top || node.fromClause !== undefined) found.kind('read');
  if (node.intoClause !== undefined) fill(node.intoClause, walker);
  if (top && node.fromClause !== undefined) found.condition(restricts(node.whereClause));
  if (node.larg !== undefined) select(node.larg, inner, walker, top);
  if (node.rarg !== undefined) select(node.rarg, inner, walker, top);
  if (top) found.limit = node.limitCount !== undefined && !as(node.limitCount, 'A_Const')?.isnull;
  const { setting: outer } = walker;
  walker.setting = inner.has('pg_settings') ? null : settingOfRows(node);
  for (const target of node.targetList ?? []) walker.walk(as(target, 'ResTarget')?.val, inner);
  walker.setting = null;
  for (const part of [
    node.distinctClause,
    node.fromClause,
    node.whereClause,
    node.groupClause,
    node.havingClause,
    node.windowClause,
    node.valuesLists,
    node.sortClause,
    node.limitOffset,
    node.limitCount,
  ])
    walker.walk(part, inner);
  walker.setting = outer;
}

/** The columns that are given values, with the values. */
function assign(targets: readonly Node[] | undefined, scope: Scope, walker: Walker): void {
  for (const node of targets ?? []) {
    const target = as(node, 'ResTarget');
    if (target?.name !== undefined) walker.found.columns.add(target.name);
    for (const name of texts(target?.indirection)) walker.found.columns.add(name);
    walker.walk(target?.indirection, scope);
    walker.walk(target?.val, scope);
  }
}

/** What comes back of the rows changed: the target is read as well. */
function returning(
  clause: ReturningClause | undefined,
  target: RangeVar | undefined,
  scope: Scope,
  walker: Walker,
): void {
  if (clause === undefined) return;
  walker.found.kind('read');
  if (target?.relname !== undefined) walker.found.reads.add(target.schemaname ?? null, target.relname);
  for (const option of clause.options ?? []) walker.found.row(as(option, 'ReturningOption')?.value ?? '');
  for (const expr of clause.exprs ?? []) walker.walk(as(expr, 'ResTarget')?.val, scope);
}

/** FROM of UPDATE, USING of DELETE and MERGE. */
function source(from: Node | readonly Node[] | undefined, scope: Scope, walker: Walker): void {
  if (from === undefined) return;
  walker.found.kind('read');
  walker.walk(from, scope);
}

function onConflict(clause: OnConflictClause | undefined, scope: Scope, walker: Walker): void {
  walker.walk(clause?.infer, scope);
  assign(clause?.targetList, scope, walker);
  walker.walk(clause?.whereClause, scope);
}

function insert(node: InsertStmt, scope: Scope, walker: Walker): void {
  const inner = bind(node.withClause, scope, walker);
  walker.found.kind('write');
  walker.writeRows(node.relation);
  assign(node.cols, inner, walker);
  if (node.cols === undefined && node.selectStmt !== undefined) walker.found.columns.add('*');
  walker.walk(node.selectStmt, inner);
  onConflict(node.onConflictClause, inner, walker);
  returning(node.returningClause, node.relation, inner, walker);
}

function update(node: UpdateStmt, scope: Scope, walker: Walker): void {
  const inner = bind(node.withClause, scope, walker);
  walker.found.kind('write');
  walker.writeRows(node.relation);
  assign(node.targetList, inner, walker);
  source(node.fromClause, inner, walker);
  walker.walk(node.whereClause, inner);
  returning(node.returningClause, node.relation, inner, walker);
  walker.found.condition(restricts(node.whereClause));
  // Its rule calls set_config with the row's name and the new setting.
  if (node.relation?.relname === 'pg_settings') setting(null, null, walker.found);
}

function merge(node: MergeStmt, scope: Scope, walker: Walker): void {
  const inner = bind(node.withClause, scope, walker);
  walker.found.kind('write');
  walker.writeRows(node.relation);
  source(node.sourceRelation, inner, walker);
  walker.walk(node.joinCondition, inner);
  for (const part of node.mergeWhenClauses ?? []) {
    const when = as(part, 'MergeWhenClause');
    walker.walk(when?.condition, inner);
    assign(when?.targetList, inner, walker);
    if (when?.commandType === 'CMD_INSERT' && when.targetList === undefined) walker.found.columns.add('*');
    walker.walk(when?.values, inner);
  }
  returning(node.returningClause, node.relation, inner, walker);
  walker.found.condition(restricts(node.joinCondition));
}

function call(node: FuncCall, scope: Scope, walker: Walker): void {
  const { found } = walker;
  const parts = texts(node.funcname);
  named(parts, node.args?.length ?? 0, walker);
  if (parts.at(-1) === 'set_config') setParameter(node.args ?? [], walker.setting, found);
  for (const part of [node.args, node.agg_order, node.agg_filter, node.over]) walker.walk(part, scope);
}

/** A function that is called, or that something new will call. */
export function named(parts: readonly string[], args: number, walker: Walker): void {
  const { found } = walker;
  found.functions.add(dotted(parts));
  const reach = reachOf(parts, args);
  if (reach?.file) found.kind('file');
  if (reach?.unknown) found.unknown.add(reach.unknown);
}

/** CALL: the procedure's name and its arguments. */
export function callProcedure(node: CallStmt, scope: Scope, walker: Walker): void {
  if (node.funccall === undefined) return;
  call(node.funccall, scope, walker);
  walker.found.unknown.add(`body of procedure ${dotted(texts(node.funccall.funcname))}`);
}

export const QUERIES: Handlers = {
  SelectStmt: (node, scope, walker) => select(node, scope, walker, false),
  InsertStmt: insert,
  UpdateStmt: update,
  DeleteStmt: (node, scope, walker) => {
    const inner = bind(node.withClause, scope, walker);
    walker.found.kind('write');
    walker.writeRows(node.relation);
    source(node.usingClause, inner, walker);
    walker.walk(node.whereClause, inner);
    returning(node.returningClause, node.relation, inner, walker);
    walker.found.condition(restricts(node.whereClause));
  },
  MergeStmt: merge,
  RangeVar: (node, scope, walker) => walker.read(node, scope),
  RangeFunction: (node, scope, walker) => {
    // Each is a list of the call and, where it has one, its column definitions.
    const calls = (node.functions ?? []).flatMap((list) => items(list).slice(0, 1));
    const name = node.alias?.aliasname ?? texts(as(calls[0], 'FuncCall')?.funcname).at(-1);
    if (name !== undefined) walker.found.result(name);
    walker.walk(calls, scope);
  },
  JoinExpr: (node, scope, walker) => {
    const { found } = walker;
    if (node.isNatural || node.alias?.colnames !== undefined) found.columns.add('*');
    for (const name of texts(node.usingClause)) found.columns.add(name);
    walker.walk([node.larg, node.rarg, node.quals], scope);
  },
  FuncCall: call,
  ColumnRef: ({ fields = [] }, _scope, walker) => {
    const name = text(fields.at(-1));
    if (name === null) walker.found.columns.add('*');
    else {
      walker.found.reference(text(fields.at(-2)), name);
      // The attribute notation calls functions: `x.pg_read_file` where x is text (ParseFuncOrColumn in parse_func.c).
      if (fields.length > 1 && reachOf([name], 1) !== null) named([name], 1, walker);
    }
  },
  A_Indirection: (node, scope, walker) => {
    walker.walk(node.arg, scope);
    for (const part of node.indirection ?? []) {
      const name = text(part);
      if (name !== null) {
        walker.found.columns.add(name);
        named([name], 1, walker);
      } else if ('A_Star' in part) walker.found.columns.add('*');
      else walker.walk(part, scope);
    }
  },
  IndexElem: (node, scope, walker) => {
    if (node.name !== undefined) walker.found.columns.add(node.name);
    walker.walk(node.expr, scope);
  },
  // What they hold are names of types and of FROM's own aliases.
  TypeName: () => {},
  LockingClause: () => {},
};
