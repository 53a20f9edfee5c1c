/** Expressions: what their value depends on. */
import type {
  A_Expr,
  JsonAggConstructor,
  JsonOutput,
  Node,
  SortBy,
  SubLink,
  TypeCast,
  TypeName,
} from '@pgsql/types';
import { NEW_SYNTAX, PLAIN_TYPES, verdict } from './builtins.ts';
import { callFunction, windowFlow } from './calls.ts';
import { columnRef, indirect, passedOn } from './columns.ts';
import type { Context } from './context.ts';
import { Untraceable } from './errors.ts';
import { CLEAR, type Flow, foundBy, join, opaque, rowOf, scalar, stored } from './flow.ts';
import { as, type Body, bodyOf, childNodes, isStar, type Kind, kindOf, qualified } from './nodes.ts';
import { parametersOf, type Scope } from './scope.ts';

type Handler<K extends Kind> = (body: Body<K>, scope: Scope, context: Context) => Flow;
type Handlers = { readonly [K in Kind]?: Handler<K> };

function all(nodes: readonly (Node | undefined)[], scope: Scope, context: Context): Flow {
  return join(
    nodes.filter((node) => node !== undefined).map((node) => context.expression(node, scope, context)),
  );
}

/** A construct whose value depends on everything that stands in it. */
function parts(body: unknown, scope: Scope, context: Context): Flow {
  return all([...childNodes(body)], scope, context);
}

const clear = (): Flow => CLEAR;

/** The same, of syntax that is a plain call to an older server. */
function newSyntax(name: string | undefined, body: object, scope: Scope, context: Context): Flow {
  const value = parts(body, scope, context);
  const { constructor: aggregate, output } = body as { constructor?: unknown; output?: JsonOutput };
  const inner = typeof aggregate === 'object' ? (aggregate as JsonAggConstructor).output : output;
  const flow = castTo(inner?.typeName, value, context);
  return shadowed(name, context) ? passedOn(flow, `the function ${name}`, context) : flow;
}

function castTo(type: TypeName | undefined, value: Flow, context: Context): Flow {
  const { name } = qualified(type?.names);
  return context.catalogue.opaqueCast(name) ? passedOn(value, `the cast to ${name}`, context) : value;
}

export function shadowed(name: string | undefined, context: Context): boolean {
  return context.catalogue.functions(null, name ?? '').some((each) => verdict(each) !== 'arguments');
}

/** By which operators an expression of this kind compares, as `SELECT oprname` has them. */
function operatorNames({ kind, name }: A_Expr): { schema: string | null; names: readonly string[] } {
  switch (kind) {
    case 'AEXPR_BETWEEN':
    case 'AEXPR_NOT_BETWEEN':
    case 'AEXPR_BETWEEN_SYM':
    case 'AEXPR_NOT_BETWEEN_SYM':
      return { schema: null, names: ['>=', '<=', '<', '>'] };
    default: {
      const { schema, name: operator } = qualified(name);
      return { schema, names: [operator] };
    }
  }
}

function operate(value: Flow, schema: string | null, names: readonly string[], context: Context): Flow {
  const unknown = names.find((name) => !context.catalogue.operator(schema, name));
  return unknown === undefined ? value : passedOn(value, `the operator ${unknown}`, context);
}

/** ORDER BY … USING gives values to an operator. */
export function ordered({ useOp }: SortBy, value: Flow, context: Context): Flow {
  if (useOp === undefined) return value;
  const { schema, name } = qualified(useOp);
  return operate(value, schema, [name], context);
}

function operation(body: A_Expr, scope: Scope, context: Context): Flow {
  const value = all([body.lexpr, body.rexpr], scope, context);
  const { schema, names } = operatorNames(body);
  return operate(value, schema, names, context);
}

/** A subquery's value depends on its columns and on what decides which rows it has. */
function subquery(node: Node, scope: Scope, context: Context): Flow {
  const { columns, conditions } = context.query(node, scope, context);
  const [first] = columns;
  if (columns.length === 1 && first !== undefined)
    return { ...foundBy(first.flow, conditions), direct: null };
  return foundBy(join(columns.map((column) => column.flow)), conditions);
}

function subLink(body: SubLink, scope: Scope, context: Context): Flow {
  if (body.subselect === undefined) return opaque('a subquery is missing');
  const value = subquery(body.subselect, scope, context);
  switch (body.subLinkType) {
    case 'EXPR_SUBLINK':
      return value;
    case 'ARRAY_SUBLINK':
      return { ...value, row: null };
    case 'EXISTS_SUBLINK': {
      // What its columns are does not matter to it; it is simpler to say that it does.
      return scalar(value);
    }
    case 'ANY_SUBLINK':
    case 'ALL_SUBLINK':
    case 'ROWCOMPARE_SUBLINK': {
      const both = join([value, all([body.testexpr], scope, context)]);
      const { schema, name } = qualified(body.operName);
      return scalar(operate(both, schema, [name === '' ? '=' : name], context));
    }
    default:
      throw new Untraceable(`a subquery of kind ${body.subLinkType} is not understood`);
  }
}

function cast({ arg, typeName }: TypeCast, scope: Scope, context: Context): Flow {
  const value = all([arg], scope, context);
  const { schema, name } = qualified(typeName?.names);
  if (context.catalogue.opaqueCast(name)) return passedOn(value, `the cast to ${name}`, context);
  const array = (typeName?.arrayBounds ?? []).length > 0;
  const relation = context.catalogue.relation(schema, name);
  if (relation === null) {
    // A name that begins with _ may be an array's type.
    const plain = (schema === null || schema === 'pg_catalog') && PLAIN_TYPES.has(name);
    return plain ? scalar(value) : { ...value, composite: true };
  }
  const row = relation.columns.map((column) => ({ name: column.name, flow: { ...value, composite: true } }));
  return { ...value, row: array ? null : row, composite: true };
}

const HANDLERS: Handlers = {
  A_Const: clear,
  String: clear,
  Integer: clear,
  Float: clear,
  Boolean: clear,
  BitString: clear,
  SetToDefault: clear,
  CurrentOfExpr: clear,
  SQLValueFunction: clear,
  GroupingFunc: clear,
  TypeName: clear,
  JsonFormat: clear,
  ParamRef: ({ number = 0 }, scope) => {
    const parameters = parametersOf(scope);
    // A client's parameter may be of any type.
    if (parameters === null) return { ...CLEAR, composite: true };
    return parameters.positional[number - 1] ?? opaque(`the parameter $${number} is not known`);
  },
  ColumnRef: columnRef,
  A_Expr: operation,
  BoolExpr: ({ args = [] }, scope, context) => all(args, scope, context),
  // Whether there is a value reveals nothing of it.
  NullTest: ({ arg }, scope, context) => {
    const value = arg === undefined ? CLEAR : context.expression(arg, scope, context);
    return stored(value) ? CLEAR : scalar(join([value]));
  },
  BooleanTest: ({ arg }, scope, context) => all([arg], scope, context),
  SubLink: subLink,
  SelectStmt: (body, scope, context) => subquery({ SelectStmt: body }, scope, context),
  CaseExpr: ({ arg, args = [], defresult }, scope, context) => {
    const value = all([arg, ...args, defresult], scope, context);
    return arg === undefined ? value : operate(value, null, ['='], context);
  },
  CaseWhen: ({ expr, result }, scope, context) => all([expr, result], scope, context),
  CoalesceExpr: ({ args = [] }, scope, context) => all(args, scope, context),
  MinMaxExpr: ({ args = [] }, scope, context) => all(args, scope, context),
  A_ArrayExpr: ({ elements = [] }, scope, context) => all(elements, scope, context),
  List: ({ items = [] }, scope, context) => all(items, scope, context),
  RowExpr: ({ args = [] }, scope, context) => {
    const fields = args.map((node, at) => ({
      name: `f${at + 1}`,
      flow: context.expression(node, scope, context),
    }));
    // A star is as many fields as it has columns.
    const starred = args.some((node) => isStar(as(node, 'ColumnRef')?.fields?.at(-1)));
    return { ...rowOf(fields), row: starred ? null : fields };
  },
  TypeCast: cast,
  CollateClause: ({ arg }, scope, context) => all([arg], scope, context),
  A_Indirection: ({ arg, indirection = [] }, scope, context) =>
    arg === undefined
      ? opaque('an expression is missing')
      : indirect(
          context.expression(arg, scope, context),
          indirection,
          (node) => context.expression(node, scope, context),
          context,
        ),
  FuncCall: (body, scope, context) => {
    const { flow, columns, functions } = callFunction(body, scope, context);
    if (functions.every(({ result }) => result.kind === 'scalar' && !result.composite))
      return functions.length > 0 ? scalar(flow) : flow;
    if (functions.every(({ result }) => result.kind === 'scalar' || result.kind === 'polymorphic'))
      return flow;
    return { ...flow, row: functions.length === 1 ? columns : null, composite: true };
  },
  NamedArgExpr: ({ arg }, scope, context) => all([arg], scope, context),
  SortBy: (body, scope, context) => ordered(body, all([body.node], scope, context), context),
  // The names of XML elements and attributes, and values.
  ResTarget: ({ val }, scope, context) => all([val], scope, context),
  XmlExpr: ({ named_args = [], args = [] }, scope, context) => all([...named_args, ...args], scope, context),
  XmlSerialize: ({ expr, typeName }, scope, context) =>
    castTo(typeName, all([expr], scope, context), context),
  MergeSupportFunc: (body, scope, context) => newSyntax(NEW_SYNTAX.MergeSupportFunc, body, scope, context),
  JsonIsPredicate: ({ expr }, scope, context) => all([expr], scope, context),
  JsonFuncExpr: (body, scope, context) => newSyntax(NEW_SYNTAX[body.op ?? ''], body, scope, context),
  JsonParseExpr: (body, scope, context) => newSyntax(NEW_SYNTAX.JsonParseExpr, body, scope, context),
  JsonScalarExpr: (body, scope, context) => newSyntax(NEW_SYNTAX.JsonScalarExpr, body, scope, context),
  JsonSerializeExpr: (body, scope, context) => newSyntax(NEW_SYNTAX.JsonSerializeExpr, body, scope, context),
  JsonObjectConstructor: (body, scope, context) =>
    newSyntax(NEW_SYNTAX.JsonObjectConstructor, body, scope, context),
  JsonArrayConstructor: (body, scope, context) =>
    newSyntax(NEW_SYNTAX.JsonArrayConstructor, body, scope, context),
  JsonArrayQueryConstructor: (body, scope, context) =>
    newSyntax(NEW_SYNTAX.JsonArrayQueryConstructor, body, scope, context),
  JsonObjectAgg: (body, scope, context) =>
    join([
      newSyntax(NEW_SYNTAX.JsonObjectAgg, body, scope, context),
      windowFlow(body.constructor?.over, scope, context),
    ]),
  JsonArrayAgg: (body, scope, context) =>
    join([
      newSyntax(NEW_SYNTAX.JsonArrayAgg, body, scope, context),
      windowFlow(body.constructor?.over, scope, context),
    ]),
  JsonValueExpr: ({ raw_expr }, scope, context) => all([raw_expr], scope, context),
  JsonArgument: ({ val }, scope, context) => parts(val, scope, context),
  JsonKeyValue: ({ key, value }, scope, context) =>
    join([all([key], scope, context), parts(value, scope, context)]),
  JsonBehavior: ({ expr }, scope, context) => all([expr], scope, context),
  JsonTablePathSpec: ({ string }, scope, context) => all([string], scope, context),
};

/**
 * What an expression's value depends on.
 * @throws Untraceable for what is not known here
 */
export function expression(node: Node, scope: Scope, context: Context): Flow {
  context.budget.spend();
  const kind = kindOf(node);
  if (kind === null) return CLEAR;
  const handler = HANDLERS[kind] as Handler<Kind> | undefined;
  if (handler === undefined) throw new Untraceable(`${kind} is not understood`);
  return context.budget.deeper(() => handler(bodyOf(node) as Body<Kind>, scope, context));
}
