/** Calls of functions, as expressions and as FROM items. */
import type { FuncCall, Node, WindowDef } from '@pgsql/types';
import { COUNTS, clearColumns, PLAIN_TYPES, REVEALS_NOTHING, SYNTAX, verdict } from './builtins.ts';
import { fieldOf, passedOn } from './columns.ts';
import { type Context, describeFlow } from './context.ts';
import { CLEAR, type Column, type Flow, join, scalar, stored, tainted } from './flow.ts';
import { qualified } from './nodes.ts';
import type { Scope } from './scope.ts';
import { followFunction } from './sql-functions.ts';
import type { CatalogueFunction } from './types.ts';

export interface Called {
  readonly flow: Flow;
  /** What the name may mean; empty: a cast, or a field, in the shape of a call. */
  readonly functions: readonly CatalogueFunction[];
  readonly arguments: readonly Flow[];
  /** Where more is known of the result's columns than of all of them together: by place. */
  readonly columns: readonly Column[] | null;
}

/** How many arguments a call of it may have. */
function takes({ parameters, defaults, variadic }: CatalogueFunction, count: number): boolean {
  return count <= parameters.length ? count >= parameters.length - defaults - (variadic ? 1 : 0) : variadic;
}

function candidates(call: FuncCall, count: number, context: Context): readonly CatalogueFunction[] {
  const { schema, name } = qualified(call.funcname);
  const found = context.catalogue.functions(schema, name);
  // The grammar writes pg_catalog where an older server would look on the search path.
  const all =
    name === 'json_object' && schema === 'pg_catalog'
      ? [...found, ...context.catalogue.functions(null, name)]
      : found;
  // An ordered-set aggregate's parameters are also what WITHIN GROUP orders by.
  if (call.agg_within_group === true) return all;
  const fitting = all.filter((each) => takes(each, count));
  return fitting.length > 0 ? fitting : all;
}

/** PARTITION BY, ORDER BY and the frame: they decide what a window function's value is. */
export function windowFlow(window: WindowDef | undefined, scope: Scope, context: Context): Flow {
  if (window === undefined) return CLEAR;
  const { name, refname, partitionClause = [], orderClause = [], startOffset, endOffset } = window;
  // `name` in OVER is another's; in WINDOW it is its own, which nobody has defined yet.
  const others = [name, refname].map((each) => scope.windows.get(each ?? '') ?? CLEAR);
  const nodes = [...partitionClause, ...orderClause, startOffset, endOffset].filter(
    (node) => node !== undefined,
  );
  return join([...others, ...nodes.map((node) => context.expression(node, scope, context))]);
}

/** What else in a call its value depends on. */
function modifiers(call: FuncCall, scope: Scope, context: Context): Flow {
  const nodes: Node[] = [...(call.agg_order ?? [])];
  if (call.agg_filter !== undefined) nodes.push(call.agg_filter);
  const window = windowFlow(call.over, scope, context);
  return scalar(join([window, ...nodes.map((node) => context.expression(node, scope, context))]));
}

export function callFunction(call: FuncCall, scope: Scope, context: Context): Called {
  const called = followCall(call, scope, context);
  if (called.functions.some(({ set }) => set)) {
    // Of whom some columns are known it is known what they are about, and so what decides how many there are.
    const partly = called.functions.every((one) => clearColumns(one) !== null);
    const decides = partly ? join(called.arguments) : called.flow;
    if (tainted(decides)) scope.rows.push(decides);
  }
  return called;
}

function followCall(call: FuncCall, scope: Scope, context: Context): Called {
  const flows = (call.args ?? []).map((node) => context.expression(node, scope, context));
  const extra = modifiers(call, scope, context);
  const given = join([...flows, extra]);
  const functions = candidates(call, flows.length, context);
  const called = { functions, arguments: flows, columns: null };
  if (functions.length === 0) return { ...called, flow: withoutFunction(call, flows, given, context) };
  const each = functions.map((one) => ofOne(one, call, flows, extra, context));
  const [only] = each;
  if (each.length === 1 && only !== undefined) return { ...called, flow: only.flow, columns: only.columns };
  return { ...called, flow: join(each.map(({ flow }) => flow)) };
}

/** What one function that the call may mean makes of its arguments. */
function ofOne(
  one: CatalogueFunction,
  call: FuncCall,
  flows: readonly Flow[],
  extra: Flow,
  context: Context,
): Pick<Called, 'flow' | 'columns'> {
  const given = join([...flows, extra]);
  const { schema, name } = qualified(call.funcname);
  const label = `the function ${schema === null ? name : `${schema}.${name}`}`;
  switch (verdict(one)) {
    case 'arguments':
      if (REVEALS_NOTHING.has(name)) return { flow: extra, columns: null };
      if (one.kind === 'builtin' && COUNTS.has(name) && tainted(given))
        context.report.leak(`${describeFlow(given, context.catalogue)} would say what ${label} counts`);
      // A number of rows, or of values that are not null, reveals neither. What counts by a condition depends on it.
      if (one.kind === 'builtin' && name === 'count' && flows.every(stored))
        return { flow: extra, columns: null };
      return { flow: given, columns: null };
    case 'sink':
      if (tainted(given))
        context.report.leak(`${describeFlow(given, context.catalogue)} would be kept or sent by ${label}`);
      return { flow: given, columns: null };
    case 'runs':
      context.report.leak(`${label} would run a text as SQL, or take in a file, which can't be followed`);
      return { flow: passedOn(given, label, context), columns: null };
    case 'opaque': {
      const clear = clearColumns(one);
      if (clear !== null && one.result.kind === 'columns')
        return partly(one.result.names, clear, given, passedOn(given, label, context));
      const inOrder = call.func_variadic !== true && !call.args?.some((node) => 'NamedArgExpr' in node);
      const followed = one.kind === 'sql' && inOrder ? followFunction(one, flows, context) : null;
      if (followed === null) return { flow: passedOn(given, label, context), columns: null };
      // Of constants the planner has its value, and puts it into the plan.
      if (one.volatility === 'immutable' && followed.some(({ flow }) => tainted(flow)))
        context.report.opaque ??= `${label} reads tables and is declared immutable`;
      return { flow: join([...followed.map(({ flow }) => flow), extra]), columns: followed };
    }
  }
}

function partly(
  names: readonly string[],
  clear: ReadonlySet<string>,
  given: Flow,
  unknown: Flow,
): Pick<Called, 'flow' | 'columns'> {
  const columns = names.map((name) => ({ name, flow: clear.has(name) ? given : unknown }));
  return { flow: unknown, columns };
}

/** A name that no function has: PostgreSQL takes it for a field of a row, or for a cast. */
function withoutFunction(call: FuncCall, flows: readonly Flow[], given: Flow, context: Context): Flow {
  const { schema, name } = qualified(call.funcname);
  const [first] = flows;
  const system = schema === null || schema === 'pg_catalog';
  if (call.funcformat === 'COERCE_SQL_SYNTAX' && schema === 'pg_catalog' && SYNTAX.has(name)) return given;
  if (first !== undefined && flows.length === 1 && system) {
    if (schema === null && first.row?.some((column) => column.name === name))
      return fieldOf(first, name, context);
    if (PLAIN_TYPES.has(name) && !context.catalogue.opaqueCast(name)) return scalar(given);
  }
  return passedOn(given, `the function ${name}, which is not known,`, context);
}
