import type { RowsKept } from '../core/types.ts';
import type { PolicyJson } from './engine.ts';
import type { Reads } from './reads.ts';

export interface ApprovalTerms {
  /** Whose members can; null: any other person. */
  readonly group: string | null;
  /** `@approval_timeout`: after so long without an answer it is denied. Null: after the time that is usual. */
  readonly timeoutMs: number | null;
}

/** A policy that parsed, with what its annotations say. */
export interface CompiledPolicy {
  /** Its `@id`, else its file's name and the line on which it begins: `10-team.cedar:14`. */
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly effect: 'permit' | 'forbid';
  readonly text: string;
  readonly json: PolicyJson;
  /** `@approval`: who can let pass what it forbids; null: nobody. */
  readonly approval: ApprovalTerms | null;
  /** `@message`: shown to the person. */
  readonly message: string | null;
  /** `@mask`: how a revealed column is shown. */
  readonly mask: string | null;
  /** `@record`: how many rows of the result are recorded where this permits; null where it does not say. */
  readonly record: RowsKept | null;
  readonly reads: Reads;
}
