/** The FROM clause: which items it makes, and what decides their rows. */
import type {
  Alias,
  FuncCall,
  JoinExpr,
  JsonTable,
  JsonTableColumn,
  Node,
  RangeFunction,
  RangeSubselect,
  RangeTableFunc,
  RangeTableSample,
  RangeVar,
} from '@pgsql/types';
import { NEW_SYNTAX } from './builtins.ts';
import { callFunction } from './calls.ts';
import { passedOn } from './columns.ts';
import type { Context } from './context.ts';
import { Untraceable } from './errors.ts';
import { shadowed } from './expressions.ts';
import { CLEAR, type Column, type Flow, join } from './flow.ts';
import { type Joined, joinSides, type Side } from './joins.ts';
import { lookBehind } from './leaks.ts';
import { columnName } from './names.ts';
import { as, childNodes, qualified, texts } from './nodes.ts';
import { readingOf } from './readings.ts';
import { type Item, item, resolveTable, type Scope } from './scope.ts';
import { shapeOf } from './shapes.ts';

/** What one node of a FROM clause makes. */
export interface From {
  readonly items: readonly Item[];
  readonly conditions: Flow;
}

/** The first columns get the names of an alias; a list that is too long is the server's to refuse. */
export function renamed(columns: readonly Column[], names: readonly string[]): readonly Column[] {
  return names.length === 0
    ? columns
    : columns.map((column, at) => ({ name: names[at] ?? column.name, flow: column.flow }));
}

function aliased(
  alias: Alias | undefined,
  name: string | null,
  columns: readonly Column[],
  rest: Partial<Item> = {},
): Item {
  return item(alias?.aliasname ?? name, renamed(columns, texts(alias?.colnames)), rest);
}

const one = (made: Item, conditions: Flow = CLEAR): From => ({ items: [made], conditions });

export function rangeVar(
  { schemaname, relname = '', alias }: RangeVar,
  scope: Scope,
  context: Context,
): From {
  const table = schemaname === undefined ? resolveTable(relname, scope) : null;
  if (table !== null) {
    const { columns, conditions } = table();
    context.budget.spend(columns.length);
    return one(aliased(alias, relname, columns), conditions);
  }
  const relation = context.catalogue.relation(schemaname ?? null, relname);
  if (relation === null) {
    const open = `the relation ${schemaname === undefined ? '' : `${schemaname}.`}${relname} is not known`;
    context.report.opaque ??= open;
    return one(
      aliased(alias, relname, [], { open, schema: alias === undefined ? (schemaname ?? null) : null }),
    );
  }
  if (schemaname === undefined) lookBehind(relation, context);
  const { columns, conditions } = readingOf(relation, context);
  context.budget.spend(columns.length);
  const named = { schema: alias === undefined ? relation.schema : null, system: true };
  return one(aliased(alias, relname, columns, named), conditions);
}

function rangeSubselect({ lateral, subquery, alias }: RangeSubselect, scope: Scope, context: Context): From {
  if (subquery === undefined) throw new Untraceable('a subquery is missing');
  const around = lateral === true ? scope : { ...scope, items: [] };
  const { columns, conditions } = context.query(subquery, around, context);
  return one(aliased(alias, null, columns), conditions);
}

interface Part {
  readonly columns: readonly Column[];
  readonly open: string | null;
  readonly flow: Flow;
}

function namesOf(definitions: readonly Node[] | undefined): readonly string[] | null {
  if (definitions === undefined || definitions.length === 0) return null;
  return definitions.map((node) => as(node, 'ColumnDef')?.colname ?? '');
}

/** One function of a FROM item; unnest of several arrays is several functions. */
function callsOf(node: Node): readonly FuncCall[] | null {
  const call = as(node, 'FuncCall');
  if (call === null) return null;
  const { schema, name } = qualified(call.funcname);
  const split = schema === null && name === 'unnest' && (call.args?.length ?? 0) > 1;
  return split ? (call.args ?? []).map((argument) => ({ ...call, args: [argument] })) : [call];
}

interface Entry {
  readonly node: Node;
  /** Null: it is no call. */
  readonly call: FuncCall | null;
  /** Of a column definition list. */
  readonly own: readonly string[] | null;
}

function rangeFunction(body: RangeFunction, scope: Scope, context: Context): From {
  const { functions = [], alias, ordinality, coldeflist } = body;
  const entries = functions.flatMap((entry): Entry[] => {
    const [node, definitions] = as(entry, 'List')?.items ?? [];
    if (node === undefined) throw new Untraceable('a function in FROM is missing');
    const own = namesOf(as(definitions, 'List')?.items) ?? namesOf(coldeflist);
    const calls = callsOf(node);
    return calls === null
      ? [{ node, call: null, own }]
      : calls.map((call) => ({ node: { FuncCall: call } as Node, call, own }));
  });
  const name = entries.length === 1 && alias?.aliasname !== undefined ? alias.aliasname : null;
  const parts = entries.map(({ node, call, own }): Part => {
    if (call === null) {
      // SQL syntax that is a value: CURRENT_DATE, COALESCE, CAST and the like.
      const flow = context.expression(node, scope, context);
      if (flow.composite) return { columns: [], open: 'the columns of a value in FROM are not known', flow };
      return { columns: [{ name: name ?? columnName(node, () => ''), flow }], open: null, flow };
    }
    const called = callFunction(call, scope, context);
    return { ...shapeOf(call, called, name, own, context), flow: called.flow };
  });
  const columns: Column[] = [];
  let open: string | null = null;
  for (const part of parts) {
    if (open === null) columns.push(...part.columns);
    open ??= part.open;
  }
  if (ordinality === true && open === null) columns.push({ name: 'ordinality', flow: CLEAR });
  const flow = join(parts.map((part) => part.flow));
  // Its name alone means the value, if it has but one and that is no row.
  const [first] = columns;
  const alone = parts.length === 1 && columns.length === 1 && ordinality !== true && coldeflist === undefined;
  const whole = alone && first !== undefined ? first.flow : null;
  const called = entries.find(({ call }) => call !== null)?.call;
  const functionName = called === undefined ? null : qualified(called?.funcname).name;
  const made = aliased(alias, functionName, columns, { open, whole });
  return one(open === null ? made : opened(made, open, texts(alias?.colnames), flow), CLEAR);
}

/** Names for the first of columns that are not known: each depends on all that goes in. */
function opened(made: Item, open: string, names: readonly string[], flow: Flow): Item {
  const columns = names.map((name) => ({ name, flow: { ...join([flow]), composite: true } }));
  return { ...made, columns, open };
}

function rangeTableFunc(body: RangeTableFunc, scope: Scope, context: Context): From {
  const evaluate = (node: Node | undefined) =>
    node === undefined ? CLEAR : context.expression(node, scope, context);
  const namespaces = (body.namespaces ?? []).map(evaluate);
  const document = join([evaluate(body.docexpr), evaluate(body.rowexpr), ...namespaces]);
  const columns = (body.columns ?? []).map((node): Column => {
    const column = as(node, 'RangeTableFuncCol');
    if (column === null) throw new Untraceable('a column of XMLTABLE is not understood');
    const { colname = '', for_ordinality, colexpr, coldefexpr } = column;
    const flow = for_ordinality === true ? CLEAR : join([document, evaluate(colexpr), evaluate(coldefexpr)]);
    return { name: colname, flow };
  });
  return one(aliased(body.alias, 'xmltable', columns), document);
}

function jsonTable(body: JsonTable, scope: Scope, context: Context): From {
  const { columns = [], alias, ...rest } = body;
  const parts = [...childNodes(rest)].map((node) => context.expression(node, scope, context));
  const shadow = shadowed(NEW_SYNTAX.JsonTable, context);
  const joined = join(parts);
  const document = shadow ? passedOn(joined, 'the function json_table', context) : joined;
  const flatten = (nodes: readonly Node[]): Column[] =>
    nodes.flatMap((node) => {
      const column = as(node, 'JsonTableColumn');
      if (column === null) throw new Untraceable('a column of JSON_TABLE is not understood');
      return column.coltype === 'JTC_NESTED' ? flatten(column.columns ?? []) : [made(column)];
    });
  const made = ({ name = '', coltype, typeName: _, columns: __, ...others }: JsonTableColumn): Column => {
    const own = [...childNodes(others)].map((node) => context.expression(node, scope, context));
    return { name, flow: coltype === 'JTC_FOR_ORDINALITY' ? CLEAR : join([document, ...own]) };
  };
  return one(aliased(alias, 'json_table', flatten(columns)), document);
}

function sample(
  { relation, method, args = [], repeatable }: RangeTableSample,
  scope: Scope,
  context: Context,
): From {
  if (relation === undefined) throw new Untraceable('a sampled relation is missing');
  const { name } = qualified(method);
  if (name !== 'system' && name !== 'bernoulli')
    throw new Untraceable(`the sampling method ${name} is not known`);
  const nodes = [...args, repeatable].filter((node) => node !== undefined);
  const from = fromNode(relation, scope, context);
  const flows = nodes.map((node) => context.expression(node, scope, context));
  return { items: from.items, conditions: join([from.conditions, ...flows]) };
}

/** What names without a qualifier see of some items. */
function sideOf(items: readonly Item[]): Side {
  const plain = items.filter((each) => each.plain);
  return {
    columns: plain.flatMap(({ columns }) => columns),
    open: plain.find(({ open }) => open !== null)?.open ?? null,
  };
}

function joinExpr(body: JoinExpr, scope: Scope, context: Context): From {
  const { larg, rarg, quals, alias, join_using_alias } = body;
  if (larg === undefined || rarg === undefined) throw new Untraceable('a side of a join is missing');
  const left = fromNode(larg, scope, context);
  const right = fromNode(rarg, { ...scope, items: [...scope.items, ...left.items] }, context);
  const joined: Joined = joinSides(body, sideOf(left.items), sideOf(right.items), context);
  const under = [...left.items, ...right.items];
  const on = quals === undefined ? CLEAR : context.expression(quals, { ...scope, items: under }, context);
  const conditions = join([left.conditions, right.conditions, joined.compared, on]);
  const { columns, open } = joined;
  if (alias !== undefined) return one(aliased(alias, null, columns, { open }), conditions);
  const items = [item(null, columns, { open }), ...under.map((each) => ({ ...each, plain: false }))];
  if (join_using_alias !== undefined)
    items.push(item(join_using_alias.aliasname ?? null, joined.merged, { plain: false }));
  return { items, conditions };
}

/** @param scope its items are those that LATERAL sees */
function fromNode(node: Node, scope: Scope, context: Context): From {
  context.budget.spend();
  return context.budget.deeper(() => {
    if ('RangeVar' in node) return rangeVar(node.RangeVar, scope, context);
    if ('RangeSubselect' in node) return rangeSubselect(node.RangeSubselect, scope, context);
    if ('RangeFunction' in node) return rangeFunction(node.RangeFunction, scope, context);
    if ('RangeTableFunc' in node) return rangeTableFunc(node.RangeTableFunc, scope, context);
    if ('RangeTableSample' in node) return sample(node.RangeTableSample, scope, context);
    if ('JoinExpr' in node) return joinExpr(node.JoinExpr, scope, context);
    if ('JsonTable' in node) return jsonTable(node.JsonTable, scope, context);
    throw new Untraceable('something in FROM is not understood');
  });
}

/** @param scope the level that the clause is of; its own items are not seen */
export function fromClause(nodes: readonly Node[], scope: Scope, context: Context): From {
  const items: Item[] = [];
  const conditions: Flow[] = [];
  for (const node of nodes) {
    const made = fromNode(node, { ...scope, items: [...items] }, context);
    items.push(...made.items);
    conditions.push(made.conditions);
  }
  return { items, conditions: join(conditions) };
}
