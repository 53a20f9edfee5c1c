/** References to columns, to whole rows and to the fields of rows. */
import type { ColumnRef, Node } from '@pgsql/types';
import { verdict } from './builtins.ts';
import { type Context, describeFlow } from './context.ts';
import { Untraceable } from './errors.ts';
import { type Column, type Flow, join, opaque } from './flow.ts';
import { isStar, texts } from './nodes.ts';
import {
  columnOf,
  type Item,
  parametersOf,
  resolveItem,
  resolveName,
  type Scope,
  starOf,
  wholeRow,
} from './scope.ts';

/** `expression.name`: a field, or else a function of that name is called with the row. */
export function fieldOf(value: Flow, name: string, context: Context): Flow {
  const found = value.row?.filter((column) => column.name === name) ?? [];
  if (found.length === 1 && found[0] !== undefined) return found[0].flow;
  const functions = context.catalogue.functions(null, name);
  if (
    functions.every((each) => verdict(each) === 'arguments') &&
    (value.row === null || functions.length > 0)
  )
    return { ...join([value]), composite: true };
  return passedOn(value, name, context);
}

/** What is given to something that may do anything with it. */
export function passedOn(value: Flow, name: string, context: Context): Flow {
  if (value.origins.size > 0)
    context.report.leak(
      `${describeFlow(value, context.catalogue)} would be passed to ${name}, which can't be followed`,
    );
  const result = opaque(`what ${name} does can't be followed`);
  context.report.opaque ??= result.untraceable;
  return join([result, value]);
}

function fieldOfItem(item: Item, name: string, context: Context): Flow {
  const column = columnOf(item, name);
  if (column !== null) return column;
  return item.open === null ? fieldOf(wholeRow(item), name, context) : opaque(item.open);
}

/** The item that the qualifiers of a name mean, outermost qualifier first. */
function itemOf(qualifiers: readonly string[], scope: Scope): Item | null {
  const relation = qualifiers.at(-1);
  return relation === undefined ? null : resolveItem(qualifiers.at(-2) ?? null, relation, scope);
}

function unknown(names: readonly string[]): Flow {
  return opaque(`the column ${names.join('.')} is not known`);
}

function named(names: readonly string[], scope: Scope, context: Context): Flow {
  const last = names.at(-1) ?? '';
  const qualifiers = names.slice(0, -1);
  if (qualifiers.length === 0) return resolveName(last, scope) ?? unknown(names);
  const item = itemOf(qualifiers, scope);
  if (item !== null) return fieldOfItem(item, last, context);
  // In the body of a function: function.parameter, or parameter.field.
  const parameters = parametersOf(scope);
  if (parameters === null) return unknown(names);
  const own = qualifiers[0] === parameters.functionName ? names.slice(1) : names;
  const [first, ...fields] = own;
  const parameter = parameters.named.get(first ?? '');
  return parameter === undefined
    ? unknown(names)
    : fields.reduce((value, field) => fieldOf(value, field, context), parameter);
}

/** A reference as an expression: a star there is a whole row. */
export function columnRef({ fields = [] }: ColumnRef, scope: Scope, context: Context): Flow {
  const names = texts(fields);
  let flow: Flow;
  if (!isStar(fields.at(-1))) flow = named(names, scope, context);
  else if (names.length === 0) flow = join(scope.items.map(wholeRow));
  else {
    const item = itemOf(names, scope);
    flow = item === null ? unknown([...names, '*']) : wholeRow(item);
  }
  if (flow.untraceable !== null) context.report.opaque ??= flow.untraceable;
  return flow;
}

/**
 * The columns of `*` or `name.*` in a list of results.
 * @throws Untraceable where it is not known how many there are
 */
export function starColumns({ fields = [] }: ColumnRef, scope: Scope, context: Context): readonly Column[] {
  const names = texts(fields);
  if (names.length === 0) {
    const columns = starOf(scope.items.filter(({ plain }) => plain));
    context.budget.spend(columns.length);
    return columns;
  }
  const item = itemOf(names, scope);
  if (item === null) throw new Untraceable(`${names.join('.')}.* is not known`);
  const columns = starOf([item]);
  context.budget.spend(columns.length);
  return columns;
}

/** @throws Untraceable where a row's fields are not known */
export function rowColumns(value: Flow): readonly Column[] {
  if (value.row !== null) return value.row;
  throw new Untraceable('the fields of a row are not known');
}

/** What `.name`, `.*` and `[…]` behind an expression make of it. */
export function indirect(
  value: Flow,
  indirection: readonly Node[],
  index: (node: Node) => Flow,
  context: Context,
): Flow {
  let flow = value;
  for (const step of indirection) {
    if ('String' in step) flow = fieldOf(flow, step.String.sval ?? '', context);
    else if ('A_Indices' in step) {
      const { lidx, uidx } = step.A_Indices;
      flow = join([flow, ...[lidx, uidx].filter((each) => each !== undefined).map(index)]);
    } else if (!('A_Star' in step)) throw new Untraceable('an indirection is not understood');
  }
  return flow;
}
