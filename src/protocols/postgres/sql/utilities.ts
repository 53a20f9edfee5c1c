/** COPY, LOCK, VACUUM, EXECUTE and the rest that is neither query nor definition. */
import type { CopyStmt, LockStmt, VacuumStmt } from '@pgsql/types';
import { as, texts } from './nodes.ts';
import { callProcedure, select } from './queries.ts';
import { type Handlers, NO_NAMES, type Scope, type Walker } from './walker.ts';

function copy(node: CopyStmt, scope: Scope, walker: Walker): void {
  const { found } = walker;
  found.kind(node.is_from ? 'write' : 'read');
  if (node.is_program) found.kind('program');
  else if (node.filename !== undefined) found.kind('file');
  if (node.relation !== undefined) {
    if (node.is_from) walker.writeRows(node.relation);
    else {
      walker.read(node.relation, NO_NAMES);
      found.condition(false);
    }
    for (const column of texts(node.attlist)) found.columns.add(column);
    if (node.attlist === undefined) found.columns.add('*');
  }
  const query = as(node.query, 'SelectStmt');
  if (query !== null) select(query, scope, walker, true);
  else walker.walk(node.query, scope);
  walker.walk(node.whereClause, scope);
}

/** ACCESS SHARE and ROW SHARE, as a SELECT takes them (lockdefs.h). */
const MOST_SHARED = 2;

function lock(node: LockStmt, _scope: Scope, walker: Walker): void {
  for (const relation of node.relations ?? []) {
    const range = as(relation, 'RangeVar');
    if (range === null) continue;
    if ((node.mode ?? 0) <= MOST_SHARED) walker.read(range, NO_NAMES);
    else walker.write(range);
  }
}

/** ANALYZE reads rows; VACUUM moves them. */
function vacuum(node: VacuumStmt, _scope: Scope, walker: Walker): void {
  for (const each of node.rels ?? []) {
    const { relation, va_cols } = as(each, 'VacuumRelation') ?? {};
    if (node.is_vacuumcmd) walker.write(relation);
    else if (relation !== undefined) walker.read(relation, NO_NAMES);
    for (const column of texts(va_cols)) walker.found.columns.add(column);
  }
}

export const UNKNOWN_PREPARED = 'EXECUTE of an unknown prepared statement';
export const UNKNOWN_CURSOR = 'FETCH from an unknown cursor';

export const UTILITIES: Handlers = {
  CopyStmt: copy,
  TruncateStmt: (node, _scope, walker) => walker.writeAll(node.relations),
  LockStmt: lock,
  VacuumStmt: vacuum,
  ClusterStmt: (node, _scope, walker) => walker.write(node.relation),
  ReindexStmt: (node, _scope, walker) => walker.write(node.relation),
  RefreshMatViewStmt: (node, _scope, walker) => walker.write(node.relation),
  CallStmt: callProcedure,
  ExecuteStmt: (node, scope, walker) => {
    walker.found.kind('execute');
    walker.found.unknown.add(UNKNOWN_PREPARED);
    walker.walk(node.params, scope);
  },
  FetchStmt: (node, _scope, walker) => {
    if (!node.ismove) walker.found.unknown.add(UNKNOWN_CURSOR);
  },
  DiscardStmt: (node, _scope, walker) => {
    if (node.target !== 'DISCARD_ALL') return;
    walker.found.kind('privilege');
    walker.found.become('none');
  },
};
