/** Everything that makes rows and can stand in a WITH. */
import type { Node } from '@pgsql/types';
import type { Context } from './context.ts';
import { Untraceable } from './errors.ts';
import type { Query } from './flow.ts';
import { insert, merge, remove, update } from './modify.ts';
import { kindOf } from './nodes.ts';
import type { Scope } from './scope.ts';
import { select } from './select.ts';

/** @throws Untraceable */
export function query(node: Node, parent: Scope | null, context: Context): Query {
  context.budget.spend();
  return context.budget.deeper(() => {
    if ('SelectStmt' in node) return select(node.SelectStmt, parent, context);
    if ('InsertStmt' in node) return insert(node.InsertStmt, parent, context);
    if ('UpdateStmt' in node) return update(node.UpdateStmt, parent, context);
    if ('DeleteStmt' in node) return remove(node.DeleteStmt, parent, context);
    if ('MergeStmt' in node) return merge(node.MergeStmt, parent, context);
    throw new Untraceable(`${kindOf(node) ?? 'nothing'} as a query is not understood`);
  });
}
