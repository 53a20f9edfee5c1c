/** What a startup packet asks for beside a session: decided as a whole, before the server hears of it. */
import type { Decision } from '../../core/types.ts';
import type { Actions } from '../room.ts';
import { replicationFacts, roleFacts, type SessionFacts } from './actions.ts';
import type { StartupMessage } from './messages.ts';
import { startupParameter, startupSettings } from './startup.ts';
import { passes } from './statements.ts';

export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

const MASKED = 'a replica gets every value as it is, and some are masked for you';

/**
 * Becoming another role by a parameter is what SET ROLE is; a replica's connection is no session of statements.
 * @throws RefusedError
 */
export function admit(actions: Actions, message: StartupMessage, of: SessionFacts): void {
  for (const { name, value } of startupSettings(message)) {
    if (name !== 'role' && name !== 'session_authorization') continue;
    const decision = actions.decide('query', roleFacts(of, value));
    record(actions, 'query', `set ${name}`, { ...detailOf(of), verb: 'set', [name]: value }, decision);
  }
  if (!replicates(message)) return;
  const decided = actions.decide('query', replicationFacts(of));
  const masked = passes(decided) && actions.masking()?.observed === false;
  const decision: Decision = masked ? { ...decided, outcome: 'deny', policies: [], reason: MASKED } : decided;
  record(actions, 'replication', 'replication', detailOf(of), decision);
}

/** What the server takes for false (bool parsing, `src/backend/utils/adt/bool.c`); all else it takes for true, or refuses. */
function replicates(message: StartupMessage): boolean {
  const asked = startupParameter(message, 'replication')?.toString('latin1').toLowerCase() ?? 'off';
  return !(asked === '0' || 'false'.startsWith(asked) || 'no'.startsWith(asked) || /^off?$/.test(asked));
}

const detailOf = ({ database, role }: SessionFacts) => ({ database, databaseUser: role });

function record(
  actions: Actions,
  kind: string,
  subject: string,
  detail: Readonly<Record<string, unknown>>,
  decision: Decision,
): void {
  const action = actions.begin({ kind, subject, detail, decision });
  actions.end(action, passes(decision) ? {} : { error: 'denied' });
  if (!passes(decision)) throw new RefusedError(decision.reason);
}
