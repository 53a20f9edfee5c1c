/** The columns of a join: what USING and NATURAL merge, then the rest of either side. */
import type { JoinExpr } from '@pgsql/types';
import { passedOn } from './columns.ts';
import type { Context } from './context.ts';
import { type Column, type Flow, join, opaque } from './flow.ts';
import { texts } from './nodes.ts';

/** What a FROM item shows to names without a qualifier. */
export interface Side {
  readonly columns: readonly Column[];
  readonly open: string | null;
}

export interface Joined extends Side {
  /** Those merged by USING or NATURAL. */
  readonly merged: readonly Column[];
  /** What the merging compares. */
  readonly compared: Flow;
}

function mergedNames({ isNatural, usingClause }: JoinExpr, left: Side, right: Side): readonly string[] {
  if (isNatural !== true) return texts(usingClause);
  const names = new Set(right.columns.map(({ name }) => name));
  return left.columns.map(({ name }) => name).filter((name) => names.has(name));
}

function only(side: Side, name: string): Flow {
  const found = side.columns.filter((column) => column.name === name);
  const [first] = found;
  return found.length === 1 && first !== undefined
    ? first.flow
    : opaque(side.open ?? `the column "${name}" of a join is not known`);
}

function typeOf({ direct }: Flow, context: Context): number | null {
  if (direct === null) return null;
  const relation = context.catalogue.byOid(direct.relation);
  return relation?.columns.find(({ attnum }) => attnum === direct.attnum)?.typeOid ?? null;
}

/** Which side's value a merged column has (`buildMergedJoinVar`); where types differ it may be a cast of either. */
function mergedFlow(left: Flow, right: Flow, jointype: JoinExpr['jointype'], context: Context): Flow {
  const type = typeOf(left, context);
  if (type === null || type !== typeOf(right, context)) return join([left, right]);
  switch (jointype) {
    case 'JOIN_INNER':
    case 'JOIN_LEFT':
      return left;
    case 'JOIN_RIGHT':
      return right;
    default:
      return join([left, right]);
  }
}

/** @throws Untraceable never; what is not known makes the join open */
export function joinSides(body: JoinExpr, left: Side, right: Side, context: Context): Joined {
  const open = left.open ?? right.open;
  const names = mergedNames(body, left, right);
  const pairs = names.map((name) => ({ name, left: only(left, name), right: only(right, name) }));
  const merged = pairs.map((pair) => ({
    name: pair.name,
    flow: mergedFlow(pair.left, pair.right, body.jointype, context),
  }));
  const flows = join(pairs.flatMap((pair) => [pair.left, pair.right]));
  const compared =
    names.length > 0 && !context.catalogue.operator(null, '=')
      ? passedOn(flows, 'the operator =', context)
      : flows;
  const rest = ({ columns }: Side) => columns.filter(({ name }) => !names.includes(name));
  const columns = [...merged, ...rest(left), ...rest(right)];
  if (body.isNatural !== true || open === null) return { merged, compared, columns, open };
  // Any of them may be merged with one that is not known.
  const unknown = opaque(open);
  return {
    merged,
    compared,
    columns: columns.map(({ name, flow }) => ({ name, flow: join([flow, unknown]) })),
    open,
  };
}
