/**
 * Whether a WHERE restricts anything. A tautology that is better hidden than these stays a condition: that is
 * undecidable.
 */
import type { Node } from '@pgsql/types';
import { as } from './nodes.ts';

/** Its value can differ from row to row, or with what a subquery finds in a relation. */
const VARIES: ReadonlySet<string> = new Set(['ColumnRef', 'RangeVar', 'CurrentOfExpr']);
const CONSTANT: ReadonlySet<string> = new Set(['A_Const', 'ParamRef']);

function mentions(value: unknown, tags: ReadonlySet<string>): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.some((item) => mentions(item, tags));
  for (const key in value)
    if (tags.has(key) || mentions((value as Record<string, unknown>)[key], tags)) return true;
  return false;
}

/** The same but for where it stands. */
function same(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return one === other;
  const left = one as Record<string, unknown>;
  const right = other as Record<string, unknown>;
  const keys = Object.keys(left).filter((key) => key !== 'location');
  return (
    keys.length === Object.keys(right).filter((key) => key !== 'location').length &&
    keys.every((key) => same(left[key], right[key]))
  );
}

const ALWAYS_OF_ITSELF: ReadonlySet<string> = new Set(['=', '<=', '>=']);

/** `x = x`. Without literals on either side: whether two are equal is nothing that may be kept by shape. */
function comparesItself(node: Node): boolean {
  const compare = as(node, 'A_Expr');
  if (compare === null || compare.lexpr === undefined) return false;
  const operator = compare.name?.at(-1);
  const reflexive =
    compare.kind === 'AEXPR_NOT_DISTINCT' ||
    (compare.kind === 'AEXPR_OP' && ALWAYS_OF_ITSELF.has(as(operator, 'String')?.sval ?? ''));
  return reflexive && !mentions(compare.lexpr, CONSTANT) && same(compare.lexpr, compare.rexpr);
}

/** False where there is no condition, or one that is the same for every row as far as its form shows. */
export function restricts(node: Node | undefined): boolean {
  if (node === undefined) return false;
  const bool = as(node, 'BoolExpr');
  if (bool !== null) {
    const args = bool.args ?? [];
    return bool.boolop === 'AND_EXPR' ? args.some(restricts) : args.every(restricts);
  }
  const test = as(node, 'BooleanTest');
  if (test !== null) return restricts(test.arg);
  const cast = as(node, 'TypeCast');
  if (cast !== null) return restricts(cast.arg);
  return mentions(node, VARIES) && !comparesItself(node);
}
