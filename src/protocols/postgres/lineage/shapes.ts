/** Which columns a function makes in FROM. */
import type { FuncCall, Node } from '@pgsql/types';
import type { Called } from './calls.ts';
import type { Context } from './context.ts';
import type { Column, Flow } from './flow.ts';
import { as, kindOf, qualified } from './nodes.ts';
import type { CatalogueFunction } from './types.ts';

/** Columns from the left; `open` says why there may be others. */
export interface Shape {
  readonly columns: readonly Column[];
  readonly open: string | null;
}

/** A name for each column, null being what the FROM item is called. Null: not known. */
type Names = readonly (string | null)[] | null;

function namesOf({ result }: CatalogueFunction, given: readonly Flow[], context: Context): Names {
  switch (result.kind) {
    case 'scalar':
      return [result.name];
    case 'columns':
      return result.names;
    case 'relation':
      return context.catalogue.byOid(result.oid)?.columns.map(({ name }) => name) ?? null;
    case 'polymorphic': {
      if (!given.some(({ composite }) => composite)) return [null];
      const rows = given.filter(({ composite }) => composite);
      const [first] = rows;
      return rows.length === 1 && first?.row ? first.row.map(({ name }) => name) : null;
    }
    case 'record':
      return null;
  }
}

/** unnest(tsvector) has columns of its own; of all other types it has one. */
function mayBeTsvector(node: Node | undefined, flow: Flow | undefined, context: Context): boolean {
  if (node === undefined) return true;
  if (kindOf(node) === 'A_ArrayExpr' || as(node, 'SubLink')?.subLinkType === 'ARRAY_SUBLINK') return false;
  const typeName = as(node, 'TypeCast')?.typeName;
  if (typeName !== undefined) return (typeName.arrayBounds ?? []).length === 0;
  const direct = flow?.direct;
  if (direct) {
    const column = context.catalogue
      .byOid(direct.relation)
      ?.columns.find(({ attnum }) => attnum === direct.attnum);
    return column === undefined || column.typeOid === TSVECTOR;
  }
  const call = as(node, 'FuncCall');
  return call === null || !/^(?:array_|string_to_array$|regexp_)/.test(qualified(call.funcname).name);
}

const TSVECTOR = 3614;

/**
 * @param alias what the FROM item is called; null: nothing, or there are other functions in it
 * @param definitions the names of a column definition list; null: there is none
 */
export function shapeOf(
  call: FuncCall,
  { functions, flow, arguments: given, columns }: Called,
  alias: string | null,
  definitions: readonly string[] | null,
  context: Context,
): Shape {
  const { name: functionName } = qualified(call.funcname);
  // By place: names are the caller's to choose.
  const named = (names: readonly string[]): Shape => ({
    columns: names.map((name, at) => ({
      name,
      flow: (columns?.length === names.length ? columns[at]?.flow : null) ?? flow,
    })),
    open: null,
  });
  if (definitions !== null) return named(definitions);
  let possible = functions;
  if (functionName === 'unnest' && !mayBeTsvector(call.args?.[0], given[0], context))
    possible = functions.filter(({ result }) => result.kind === 'polymorphic');
  const answers = new Map(
    possible.map((each) => namesOf(each, given, context)).map((names) => [JSON.stringify(names), names]),
  );
  if (functions.length === 0) answers.set('', [null]);
  const [names = null] = [...answers.values()];
  if (answers.size !== 1 || names === null)
    return { columns: [], open: `the columns of ${functionName}() are not known` };
  return named(names.map((name) => name ?? alias ?? functionName));
}
