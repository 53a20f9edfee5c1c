/** Functions in SQL whose body is one SELECT: followed as if it stood where they are called. */
import type { Node } from '@pgsql/types';
import { parse } from '../sql/parse.ts';
import { type Context, MOST_BODIES, PARSING } from './context.ts';
import { type Column, type Flow, foundBy, join, opaque } from './flow.ts';
import { as } from './nodes.ts';
import { below } from './scope.ts';
import type { CatalogueFunction } from './types.ts';

/** The only statement of a body. Null: it has another form, or does something else. */
function onlySelect(body: string): Node | null {
  const standard = /^\s*(?:RETURN|BEGIN\s+ATOMIC)\b/i.test(body);
  const parsed = parse(standard ? `CREATE FUNCTION f() RETURNS text LANGUAGE sql ${body}` : body);
  const [first, ...more] = parsed.tree?.stmts ?? [];
  if (first?.stmt === undefined || more.length > 0) return null;
  if (!standard) return as(first.stmt, 'SelectStmt') === null ? null : first.stmt;
  const inner = as(first.stmt, 'CreateFunctionStmt')?.sql_body;
  const returned = as(inner, 'ReturnStmt')?.returnval;
  if (returned !== undefined)
    return { SelectStmt: { targetList: [{ ResTarget: { val: returned } }], op: 'SETOP_NONE' } };
  // BEGIN ATOMIC is a list of lists of statements.
  let statements: readonly Node[] = inner === undefined ? [] : [inner];
  while (statements.length === 1 && as(statements[0], 'List') !== null)
    statements = as(statements[0], 'List')?.items ?? [];
  const [only] = statements;
  return statements.length === 1 && only !== undefined && as(only, 'SelectStmt') !== null ? only : null;
}

const selects = new WeakMap<CatalogueFunction, Node | 'none'>();

function selectOf(fn: CatalogueFunction, body: string, context: Context): Node | null {
  let select = selects.get(fn);
  if (select === undefined) {
    context.budget.spend(PARSING);
    select = onlySelect(body) ?? 'none';
    selects.set(fn, select);
  }
  return select === 'none' ? null : select;
}

/**
 * The columns of its result.
 * @param given the arguments, in order
 * @returns null where it can't be followed
 */
export function followFunction(
  fn: CatalogueFunction,
  given: readonly Flow[],
  context: Context,
): readonly Column[] | null {
  const { name, parameters, variadic, sqlBody, bodyPath, result } = fn;
  if (sqlBody === null || variadic || given.length !== parameters.length) return null;
  if (context.bodies >= MOST_BODIES) return null;
  const select = selectOf(fn, sqlBody, context);
  if (select === null) return null;
  const positional = given.map((flow) => ({ ...flow, direct: null }));
  const named = new Map<string, Flow>();
  parameters.forEach((parameter, at) => {
    if (parameter !== null) named.set(parameter, positional[at] ?? opaque('a default'));
  });
  // Threat: a body that is a string is analysed when it first runs, and something else in the statement may have set
  // another search path by then.
  const catalogue = bodyPath === null ? context.catalogue.anywhere() : context.catalogue.at(bodyPath);
  const scope = { ...below(null), parameters: { functionName: name, positional, named } };
  const { columns, conditions } = context.budget.deeper(() =>
    context.query(select, scope, { ...context, catalogue, bodies: context.bodies + 1 }),
  );
  // As of a subquery: what is found depends on what is looked for.
  const flows = columns.map(({ flow }) => ({ ...foundBy(flow, conditions), direct: null }));
  const [first] = flows;
  if (result.kind === 'scalar' && flows.length === 1 && first !== undefined)
    return [{ name: result.name ?? name, flow: { ...first, composite: result.composite } }];
  if (result.kind === 'polymorphic' && flows.length === 1 && first !== undefined)
    return [{ name, flow: { ...first, composite: true } }];
  const names =
    result.kind === 'columns'
      ? result.names
      : result.kind === 'relation'
        ? (catalogue.byOid(result.oid)?.columns.map((column) => column.name) ?? null)
        : null;
  if (names === null) return result.kind === 'record' ? columnsByPlace(flows) : null;
  if (names.length === flows.length)
    return names.map((column, at) => ({ name: column, flow: flows[at] ?? opaque('a result') }));
  // One column that is the row.
  const all = join(flows);
  const fields = flows.length === 1 && first?.row?.length === names.length ? first.row : null;
  return names.map((column, at) => ({ name: column, flow: fields?.[at]?.flow ?? all }));
}

/** Of `RETURNS record`: the names come with the call. */
function columnsByPlace(flows: readonly Flow[]): readonly Column[] {
  return flows.map((flow, at) => ({ name: `column${at + 1}`, flow }));
}
