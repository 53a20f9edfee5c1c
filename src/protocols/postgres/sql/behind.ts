/** Relations that are others by another name, as far as a statement tells. */
import type { Node, RangeVar } from '@pgsql/types';
import { as } from './nodes.ts';

/** Whose rows are what other relations' columns hold: pg_statistic and what shows it. */
const STATISTICS = /^pg_(?:statistic|stats|statistic_ext_data|stats_ext|stats_ext_exprs)$/;
const SYSTEM: ReadonlySet<string> = new Set(['', 'pg_catalog']);

export function readsUnnamed({ schemaname = '', relname = '' }: RangeVar): boolean {
  return SYSTEM.has(schemaname) && STATISTICS.test(relname);
}

/** Rows of system catalogues define relations; pg_settings is told of by itself. */
export function writesUnnamed({ schemaname = '', relname = '' }: RangeVar): boolean {
  return SYSTEM.has(schemaname) && relname.startsWith('pg_') && relname !== 'pg_settings';
}

/**
 * The relation through which a view can be written (PostgreSQL 18 manual, CREATE VIEW, Updatable Views): one who may write
 * the view writes that by another name. Null: none.
 */
export function updatable(query: Node | undefined): RangeVar | null {
  const select = as(query, 'SelectStmt');
  if (select === null || select.fromClause?.length !== 1 || (select.op ?? 'SETOP_NONE') !== 'SETOP_NONE')
    return null;
  const { withClause, distinctClause, groupClause, havingClause, limitCount, limitOffset } = select;
  const computed = [withClause, distinctClause, groupClause, havingClause, limitCount, limitOffset];
  return computed.some((part) => part !== undefined) ? null : as(select.fromClause[0], 'RangeVar');
}
