/** The fast question: whether there is anything to trace in a statement. */
import type { CommonTableExpr, Node, RangeVar } from '@pgsql/types';
import type { Context } from './context.ts';
import { type Query, tainted } from './flow.ts';
import { as, type Body, type Kind, kindOf } from './nodes.ts';
import { ofCatalogue, readingOf, ruled } from './readings.ts';
import type { CatalogueRelation } from './types.ts';
import { opaqueAt, search } from './walk.ts';

/** Statements that read and write rows only as their relations and functions say, or have nothing to do with rows. */
const KINDS: ReadonlySet<string> = new Set([
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'CopyStmt',
  'DeclareCursorStmt',
  'PrepareStmt',
  'ExplainStmt',
  'TransactionStmt',
  'VariableSetStmt',
  'VariableShowStmt',
  'DeallocateStmt',
  'ClosePortalStmt',
  'ListenStmt',
  'UnlistenStmt',
  'NotifyStmt',
  'DiscardStmt',
  'LockStmt',
]);

const WRITES: ReadonlySet<string> = new Set([
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
  'CopyStmt',
]);

const known = new WeakMap<Query, boolean>();

export function relationTouches(relation: CatalogueRelation, context: Context): boolean {
  const reading = readingOf(relation, context);
  const before = known.get(reading);
  if (before !== undefined) return before;
  const touching = holds(relation, reading, context);
  known.set(reading, touching);
  return touching;
}

function holds(relation: CatalogueRelation, { columns, conditions }: Query, context: Context): boolean {
  return (
    ruled(relation, context) ||
    relation.instead ||
    tainted(conditions) ||
    columns.some(({ flow }) => tainted(flow))
  );
}

function writesCatalogue(kind: Kind, body: object, context: Context): boolean {
  const { relation, is_from } = body as Body<'CopyStmt'>;
  if (!WRITES.has(kind) && (kind !== 'CopyStmt' || is_from !== true)) return false;
  const target = context.catalogue.relation(relation?.schemaname ?? null, relation?.relname ?? '');
  return target !== null && ofCatalogue(target, context);
}

/** The names that WITH gives anywhere in a statement. */
function tableNames(node: Node): ReadonlySet<string> {
  const names = new Set<string>();
  search(node, (kind, body) => {
    if (kind === 'CommonTableExpr') names.add((body as CommonTableExpr).ctename ?? '');
    return null;
  });
  return names;
}

/** @throws Untraceable where a view is too large to be followed */
export function touches(node: Node, context: Context): boolean {
  const kind = kindOf(node) ?? '';
  if (!KINDS.has(kind)) return true;
  const inner =
    as(node, 'ExplainStmt')?.query ?? as(node, 'PrepareStmt')?.query ?? as(node, 'DeclareCursorStmt')?.query;
  if (inner !== undefined) return touches(inner, context);
  if (as(node, 'CopyStmt')?.filename !== undefined) return true;
  const { catalogue } = context;
  let names: ReadonlySet<string> | null = null;
  const found = search(node, (kind, body): true | null => {
    if (writesCatalogue(kind, body, context)) return true;
    if (kind !== 'RangeVar') return opaqueAt(kind, body, catalogue) === null ? null : true;
    const { schemaname, relname = '' } = body as RangeVar;
    const relation = catalogue.relation(schemaname ?? null, relname);
    const hidden = schemaname === undefined ? catalogue.hidden(relname) : [];
    if (hidden.some((each) => relationTouches(each, context))) return true;
    if (relation !== null) return relationTouches(relation, context) ? true : null;
    names ??= tableNames(node);
    return schemaname === undefined && names.has(relname) ? null : true;
  });
  return found === true;
}
