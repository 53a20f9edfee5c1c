/** How the server names a result column that has no alias (`FigureColname` in its `parse_target.c`). */
import type { Node } from '@pgsql/types';
import { CONSTRUCTORS } from './builtins.ts';
import { as, kindOf, text } from './nodes.ts';

/** A weak name gives way to another in CASE and in casts. */
interface Name {
  readonly name: string;
  readonly weak: boolean;
}

const FIXED: Readonly<Record<string, string>> = {
  A_ArrayExpr: 'array',
  RowExpr: 'row',
  CoalesceExpr: 'coalesce',
  GroupingFunc: 'grouping',
  XmlSerialize: 'xmlserialize',
  ...CONSTRUCTORS,
};

const XML: Readonly<Record<string, string>> = {
  IS_XMLCONCAT: 'xmlconcat',
  IS_XMLELEMENT: 'xmlelement',
  IS_XMLFOREST: 'xmlforest',
  IS_XMLPARSE: 'xmlparse',
  IS_XMLPI: 'xmlpi',
  IS_XMLROOT: 'xmlroot',
  IS_XMLSERIALIZE: 'xmlserialize',
};

const JSON_FUNCTIONS: Readonly<Record<string, string>> = {
  JSON_EXISTS_OP: 'json_exists',
  JSON_QUERY_OP: 'json_query',
  JSON_VALUE_OP: 'json_value',
};

const strong = (name: string | null | undefined): Name | null =>
  name === null || name === undefined || name === '' ? null : { name, weak: false };

function lastName(nodes: readonly Node[] | undefined): string | null {
  return (nodes ?? []).map(text).findLast((name) => name !== null) ?? null;
}

/** The name of a query's first column, for a star that has to be expanded to know it. */
type FirstColumn = (query: Node) => string;

function find(node: Node | undefined, firstColumn: FirstColumn): Name | null {
  if (node === undefined) return null;
  const kind = kindOf(node) ?? '';
  const fixed = FIXED[kind];
  if (fixed !== undefined) return strong(fixed);
  const column = as(node, 'ColumnRef');
  if (column !== null) return strong(lastName(column.fields));
  const indirection = as(node, 'A_Indirection');
  if (indirection !== null)
    return strong(lastName(indirection.indirection)) ?? find(indirection.arg, firstColumn);
  const call = as(node, 'FuncCall');
  if (call !== null) return strong(lastName(call.funcname));
  const operation = as(node, 'A_Expr');
  if (operation !== null) return operation.kind === 'AEXPR_NULLIF' ? strong('nullif') : null;
  const cast = as(node, 'TypeCast');
  if (cast !== null) {
    const inner = find(cast.arg, firstColumn);
    const type = lastName(cast.typeName?.names);
    return inner !== null && !inner.weak ? inner : type === null ? inner : { name: type, weak: true };
  }
  const collate = as(node, 'CollateClause');
  if (collate !== null) return find(collate.arg, firstColumn);
  const choice = as(node, 'CaseExpr');
  if (choice !== null) {
    const inner = find(choice.defresult, firstColumn);
    return inner !== null && !inner.weak ? inner : { name: 'case', weak: true };
  }
  const least = as(node, 'MinMaxExpr');
  if (least !== null) return strong(least.op === 'IS_LEAST' ? 'least' : 'greatest');
  const value = as(node, 'SQLValueFunction');
  if (value !== null)
    return strong(
      value.op
        ?.replace(/^SVFOP_/, '')
        .replace(/_N$/, '')
        .toLowerCase(),
    );
  const xml = as(node, 'XmlExpr');
  if (xml !== null) return strong(XML[xml.op ?? '']);
  const json = as(node, 'JsonFuncExpr');
  if (json !== null) return strong(JSON_FUNCTIONS[json.op ?? '']);
  const link = as(node, 'SubLink');
  return link === null ? null : ofSubquery(link.subLinkType, link.subselect, firstColumn);
}

function ofSubquery(
  type: string | undefined,
  subselect: Node | undefined,
  firstColumn: FirstColumn,
): Name | null {
  if (type === 'EXISTS_SUBLINK') return strong('exists');
  if (type === 'ARRAY_SUBLINK') return strong('array');
  return type === 'EXPR_SUBLINK' && subselect !== undefined ? strong(firstColumn(subselect)) : null;
}

/** @param firstColumn what the server calls the first column of a subquery */
export function columnName(node: Node | undefined, firstColumn: FirstColumn): string {
  return find(node, firstColumn)?.name ?? '?column?';
}
