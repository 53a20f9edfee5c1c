/** A statement that waits for a person's yes: what its client is told meanwhile, and what becomes of it. */
import type { Decision, Lifted } from '../../core/types.ts';
import { approve, wordsOf } from '../approve.ts';
import type { Actions, Answer, Waiting } from '../room.ts';
import { isShownWhole } from './actions.ts';
import type { Running } from './awaited.ts';
import { type Denial, denial, QUERY_CANCELED, reportOf } from './deny.ts';
import type { ErrorReport } from './error-fields.ts';
import { type Decided, passes, type Statements } from './statements.ts';

/** successful_completion: what a notice without a code of its own has. */
const SUCCESSFUL_COMPLETION = '00000';

export interface AskingOptions {
  readonly actions: Actions;
  readonly statements: Statements;
  /** To the client, as soon as it may be said. */
  notice(report: ErrorReport): void;
  /** Aborted, with why, when either side is gone. */
  readonly gone: AbortSignal;
  /** What a CancelRequest of this session says, as {@link HoldOptions} wants it; null: the server gave no key. */
  cancelKey(): string | null;
}

export interface Asked {
  /** Null: it may run. */
  readonly denial: Denial | null;
  /** What was lifted: to be decided with once more. */
  readonly approved: readonly Lifted[];
}

export class Asking {
  readonly #options: AskingOptions;

  constructor(options: AskingOptions) {
    this.#options = options;
  }

  /**
   * Asks for one statement. Where it may not run its record is ended.
   * @param running its record, begun as held
   * @param decide by the policies in force, with these approvals
   * @returns null where there is nobody to answer to any more: nothing more is to be sent
   */
  async ask(
    running: Running,
    held: Decided,
    decide: (approved: readonly Lifted[]) => Decision,
  ): Promise<Asked | null> {
    const { actions, statements, gone, cancelKey } = this.#options;
    if (!isShownWhole(held.statement)) {
      const { decision } = unaskable(held, 'it is too long to be shown');
      statements.decided(running, decision);
      statements.end(running, { error: 'denied' });
      return { denial: denial(decision), approved: [] };
    }
    const key = cancelKey();
    const { decision, answer, approved } = await approve(actions, running.action, held.decision, decide, {
      onWaiting: (waiting) => this.#options.notice(noticeOf(waiting, held.decision)),
      signal: gone,
      ...(key === null ? {} : { cancelKey: key }),
    });
    if (gone.aborted) {
      statements.end(running, { error: String(gone.reason) });
      return null;
    }
    if (passes(decision)) return { denial: null, approved };
    const report = answer.outcome === 'withdrawn' ? CANCELED : reportOf(decision);
    statements.end(running, { error: answer.outcome === 'withdrawn' ? said(answer) : 'denied' });
    return { denial: denial(decision, report), approved };
  }
}

/** What nobody can be asked about is denied. */
export function unaskable(held: Decided, why: string): Decided {
  const reason = `${held.decision.reason}, and cannot be asked for: ${why}`;
  return { ...held, decision: { ...held.decision, outcome: 'deny', reason } };
}

/** The server's own words (`ProcessInterrupts` in postgres.c). */
const CANCELED: ErrorReport = {
  severity: 'ERROR',
  code: QUERY_CANCELED,
  message: 'canceling statement due to user request',
};

function said({ reason }: Answer): Readonly<Record<string, unknown>> {
  return { code: QUERY_CANCELED, message: `withdrawn: ${reason}` };
}

function noticeOf(waiting: Waiting, held: Decision): ErrorReport {
  const [message, time] = wordsOf(waiting, held);
  return {
    severity: 'NOTICE',
    code: SUCCESSFUL_COMPLETION,
    message,
    hint: `${time} To cancel it withdraws it.`,
  };
}
