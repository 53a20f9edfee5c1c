/** What was prepared, or bound to a portal: as far as a name tells. */
import type { Running } from './awaited.ts';
import type { Plan } from './masked/plan.ts';
import type { FieldDescription } from './messages.ts';
import type { Statement } from './sql/statement.ts';

/** What was prepared, or bound to a portal. */
export interface Prepared {
  readonly statements: readonly Statement[];
  /** Of a portal, as the record keeps them. */
  readonly parameters: readonly (string | null)[] | null;
  /** A portal that was suspended goes on under the record it has. */
  running: Running | null;
  /** Of a portal: how its rows are shown, which what names meant when it was made decides. */
  readonly plan: Plan | null;
  /** Of a portal: what its rows are, once a Describe of it has been answered. */
  fields: readonly FieldDescription[] | null;
  /** Of a portal: a Describe of it is on its way. */
  asked: boolean;
  /** Of a cursor: it outlives its transaction. */
  readonly held: boolean;
  /** It has done so. */
  committed: boolean;
  /** Of a portal: it was made behind a savepoint. */
  within: boolean;
  /** Of a portal: after how many statements that may change names. */
  readonly changes: number;
}

/** Before anything is known of it. */
export function prepared(statements: readonly Statement[]): Prepared {
  return {
    ...{ statements, parameters: null, running: null, plan: null },
    ...{ fields: null, asked: false, held: false, committed: false, within: false, changes: 0 },
  };
}
