/**
 * SET and its other ways: set_config, RESET, an UPDATE of pg_settings. Settings' names have no case (`find_option`
 * in guc.c).
 */
import type { Node, SelectStmt, VariableSetStmt } from '@pgsql/types';
import type { Found } from './found.ts';
import { as, constant, texts } from './nodes.ts';

const ROLES: ReadonlySet<string> = new Set(['role', 'session_authorization']);

/** The setting decides as whom the session acts. */
export const changesRole = (name: string | undefined): boolean => ROLES.has(name?.toLowerCase() ?? '');

/**
 * A setting gets a value.
 * @param name null where the text does not say which
 * @param value null where the text does not say, `none` for the role that the session began with
 */
export function setting(name: string | null, value: string | null, found: Found): void {
  found.kind('session');
  if (name === null) {
    found.kind('privilege');
    found.unknown.add('a setting whose name is no constant');
  } else if (changesRole(name)) {
    found.kind('privilege');
    if (value === null) found.unknown.add('a role whose name is no constant');
    found.become(value);
  }
}

/** A setting that is stored, for a role, a database or a function: whoever it makes of them is told as by SET ROLE. */
export function stored(node: VariableSetStmt | undefined, found: Found): void {
  if (node === undefined || !changesRole(node.name)) return;
  found.kind('privilege');
  const value = node.kind === 'VAR_SET_VALUE' ? constant(node.args?.[0]) : 'none';
  if (value === null) found.unknown.add('a role whose name is no constant');
  found.become(value);
}

/**
 * set_config(setting_name, new_value, is_local)
 * @param ofRow the name that `name` has in every row of the query, where that is known
 */
export function setParameter(args: readonly Node[], ofRow: string | null, found: Found): void {
  found.literal = true;
  const positional = args.every((arg) => as(arg, 'NamedArgExpr') === null);
  const name = isName(args[0]) ? ofRow : constant(args[0]);
  if (positional) setting(name, constant(args[1]), found);
  else setting(null, null, found);
}

const isName = (node: Node | undefined): boolean => texts(as(node, 'ColumnRef')?.fields).join('.') === 'name';

/**
 * The setting of all rows of `FROM pg_settings WHERE name = 'x' [AND …]`, or null: pg_dump changes settings that not
 * every server has by a set_config in such a query.
 */
export function settingOfRows({ fromClause = [], whereClause }: SelectStmt): string | null {
  const from = fromClause.length === 1 ? as(fromClause[0], 'RangeVar') : null;
  if (from?.relname !== 'pg_settings' || (from.schemaname ?? 'pg_catalog') !== 'pg_catalog') return null;
  if (from.alias !== undefined) return null;
  const all = as(whereClause, 'BoolExpr');
  const conditions = all?.boolop === 'AND_EXPR' ? (all.args ?? []) : [whereClause];
  for (const condition of conditions) {
    const compare = as(condition, 'A_Expr');
    const equals = compare?.kind === 'AEXPR_OP' && texts(compare.name).join('.') === '=';
    if (equals && isName(compare.lexpr)) return constant(compare.rexpr);
  }
  return null;
}

/** SET, SET LOCAL, RESET, SET TRANSACTION. */
export function set(node: VariableSetStmt, found: Found): void {
  if (node.kind === 'VAR_SET_MULTI') found.kind('transaction');
  else if (node.kind === 'VAR_RESET_ALL') found.kind('session');
  else setting(node.name ?? '', node.kind === 'VAR_SET_VALUE' ? constant(node.args?.[0]) : 'none', found);
}
