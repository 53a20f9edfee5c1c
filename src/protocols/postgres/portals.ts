/** How the rows of portals are shown: settled when they are made, with what names mean then. */
import type { Lifted } from '../../core/types.ts';
import type { Plan } from './masked/plan.ts';
import type { FieldDescription } from './messages.ts';
import type { Prepared } from './prepared.ts';
import { notUnderstood, type Statement } from './sql/statement.ts';
import { type Decided, passes, REOPENED, type Statements, strictest } from './statements.ts';

export const NOWHERE = notUnderstood('', 'what was prepared or declared under this name is not known');

/**
 * @param behind what the portal's statement may be
 * @param approved approvals that were given for it
 * @returns what does not pass, which may be held
 */
export function shownAs(
  behind: readonly Statement[],
  statements: Statements,
  approved: readonly Lifted[],
): { readonly plan: Plan | null; readonly refused: Decided | null } {
  const shown = behind.map((statement) => statements.show(statements.decide(statement, approved)));
  const [first] = shown;
  const plan = first?.plan ?? null;
  const differs = first !== undefined && shown.some((one) => one.plan !== plan);
  const strict = strictest(shown) ?? null;
  const refused =
    strict !== null && passes(strict.decision) && differs
      ? statements.refuse(strict, 'what its name stands for is not known before the server has answered')
      : strict;
  return { plan, refused: refused !== null && !passes(refused.decision) ? refused : null };
}

/** Portals are shown as was settled when they were made; of a name that may stand for several, all the same. */
export function settled(decided: Decided, behind: readonly Prepared[], statements: Statements): Decided {
  if (statements.masking === null || !passes(decided.decision)) return decided;
  if (statements.reopened(behind)) return statements.refuse(decided, REOPENED);
  const [first] = behind;
  if (first === undefined) return statements.refuse(decided, 'the portal is not known');
  if (behind.every(({ plan }) => plan === first.plan)) return { ...decided, plan: first.plan };
  return statements.refuse(decided, 'what its portal stands for is not known before the server has answered');
}

/** Every portal that the name may stand for is told; names that stand for several are not run. */
export function describing(portals: readonly Prepared[]): (fields: readonly FieldDescription[]) => void {
  for (const portal of portals) portal.asked = true;
  return (fields) => {
    for (const portal of portals) portal.fields = fields;
  };
}

/** They are run to their end, or failed: run again, they are another statement. */
export function endOf(portals: readonly Prepared[], then = (): void => {}): () => void {
  return () => {
    for (const portal of portals) portal.running = null;
    then();
  };
}

/**
 * pg_proc's oids (pg_proc.dat) of what libpq calls for large objects: lo_open, lo_close, loread, lowrite, lo_lseek, lo_creat,
 * lo_create, lo_tell, lo_unlink, lo_truncate and their 64-bit forms. They read no table.
 */
export const LARGE_OBJECT: ReadonlySet<number> = new Set([
  952, 953, 954, 955, 956, 957, 958, 964, 715, 1004, 3170, 3171, 3172,
]);
