/**
 * Looking through a statement without understanding it: which relations it names, and whether it calls what
 * can't be followed.
 */
import type { A_Expr, FuncCall, Node } from '@pgsql/types';
import { NEW_SYNTAX, PLAIN_TYPES, SYNTAX, verdict } from './builtins.ts';
import { type Body, type Kind, qualified, texts } from './nodes.ts';
import type { Catalogue } from './types.ts';

/** What is done with each node; anything but null ends the search and is its answer. */
type Look<T> = (kind: Kind, body: object) => T | null;

/**
 * Looks at every node in a tree, and at every relation's name, also where it stands in a structure that is no
 * node (INSERT's target): that is looked at as a RangeVar.
 */
export function search<T>(root: unknown, look: Look<T>): T | null {
  if (Array.isArray(root)) {
    for (const element of root) {
      const found = typeof element === 'object' && element !== null ? search(element, look) : null;
      if (found !== null) return found;
    }
    return null;
  }
  const fields = root as Record<string, unknown>;
  for (const key in fields) {
    const value = fields[key];
    if (typeof value !== 'object' || value === null) continue;
    // Kinds begin with a capital, fields never do.
    const first = key.charCodeAt(0);
    const kind = first >= 0x41 && first <= 0x5a ? (key as Kind) : 'relname' in value ? 'RangeVar' : null;
    const found = (kind === null ? null : look(kind, value)) ?? search(value, look);
    if (found !== null) return found;
  }
  return null;
}

const SPELT_OUT: ReadonlySet<string> = new Set([
  'BETWEEN',
  'NOT BETWEEN',
  'BETWEEN SYMMETRIC',
  'NOT BETWEEN SYMMETRIC',
]);

function opaqueFunctions(schema: string | null, name: string, catalogue: Catalogue): boolean {
  return catalogue.functions(schema, name).some((each) => verdict(each) !== 'arguments');
}

function ofFunction(call: FuncCall, catalogue: Catalogue): string | null {
  const { schema, name } = qualified(call.funcname);
  const found = catalogue.functions(schema, name);
  if (found.length === 0) return SYNTAX.has(name) || PLAIN_TYPES.has(name) ? null : `the function ${name}`;
  const shadow = name === 'json_object' && opaqueFunctions(null, name, catalogue);
  return shadow || found.some((each) => verdict(each) !== 'arguments') ? `the function ${name}` : null;
}

function ofOperator(names: A_Expr['name'], catalogue: Catalogue): string | null {
  const { schema, name } = qualified(names);
  return SPELT_OUT.has(name) || catalogue.operator(schema, name) ? null : `the operator ${name}`;
}

/** row.function and (row).function call a function with the row. */
function ofFields(fields: readonly Node[] | undefined, catalogue: Catalogue): string | null {
  if (fields === undefined || fields.length === 0) return null;
  const called = texts(fields).find((name) => opaqueFunctions(null, name, catalogue));
  return called === undefined ? null : `the function ${called}`;
}

/** Whether a node calls something whose result does not depend on its arguments alone. Null: it does not. */
export function opaqueAt(kind: Kind, body: object, catalogue: Catalogue): string | null {
  switch (kind) {
    case 'FuncCall':
      return ofFunction(body, catalogue);
    case 'A_Expr':
      return ofOperator((body as A_Expr).name, catalogue);
    case 'SubLink': {
      const { operName } = body as Body<'SubLink'>;
      return operName === undefined ? null : ofOperator(operName, catalogue);
    }
    case 'TypeCast': {
      const { name } = qualified((body as Body<'TypeCast'>).typeName?.names);
      return catalogue.opaqueCast(name) ? `the cast to ${name}` : null;
    }
    case 'ColumnRef':
      return ofFields((body as Body<'ColumnRef'>).fields?.slice(1), catalogue);
    case 'A_Indirection':
      return ofFields((body as Body<'A_Indirection'>).indirection, catalogue);
    default: {
      const name = NEW_SYNTAX[kind] ?? (kind === 'JsonFuncExpr' ? NEW_SYNTAX[opOf(body)] : undefined);
      return name !== undefined && opaqueFunctions(null, name, catalogue) ? `the function ${name}` : null;
    }
  }
}

const opOf = (body: Body<'JsonFuncExpr'>): string => body.op ?? '';

/** The first thing called anywhere whose result may be anything. Null: there is none. */
export function opaqueCall(root: unknown, catalogue: Catalogue): string | null {
  return search(root, (kind, body) => opaqueAt(kind, body, catalogue));
}
