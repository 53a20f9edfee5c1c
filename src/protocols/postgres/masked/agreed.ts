/** What the server says its rows are, laid beside what was traced. */
import type { FieldDescription } from '../messages.ts';
import type { Plan } from './plan.ts';
import { MaskingError } from './rows.ts';
import type { SessionMasking } from './session.ts';

/**
 * The server says which columns the results are, where they are columns.
 * @param masking null: nothing is masked
 * @throws MaskingError where one is masked that was traced to something else: the database has changed meanwhile
 */
export function agreed(
  fields: readonly FieldDescription[],
  plan: Plan | null,
  masking: SessionMasking | null,
): readonly FieldDescription[] {
  for (const [at, { tableObjectId, columnAttribute }] of fields.entries())
    if ((plan?.forms?.[at] ?? null) === null && masking?.hides(tableObjectId, columnAttribute) === true)
      throw new MaskingError('a column that was traced to another cannot be shown');
  return fields;
}
