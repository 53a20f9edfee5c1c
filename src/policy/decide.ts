/** From a verdict to the decision that is recorded and told. */

import type { Mode } from '../config/types.ts';
import type { Decision, Outcome } from '../core/types.ts';
import type { ConnectQuery, ConnectRequest } from './request.ts';
import { ACCOUNT_PREFIX, LOOPBACK, UNATTENDED, UNATTRIBUTED, UNLISTED } from './schema.ts';
import type { Placed } from './scope.ts';
import type { Verdict } from './verdict.ts';

export interface Terms {
  readonly mode: Mode;
  readonly version: string;
}

/** In observe mode the outcome stays what enforce would have done, and `observed` says that it was not done. */
export function decision(verdict: Verdict, reason: string, { mode, version }: Terms): Decision {
  const { outcome, determining, errors } = verdict;
  const observed = mode === 'observe' && outcome !== 'allow';
  return { outcome, policies: determining.map(({ id }) => id), reason, observed, errors, version };
}

export function denied(errors: readonly string[], reason: string, terms: Terms): Decision {
  return decision({ outcome: 'deny', determining: [], errors }, reason, terms);
}

/** A decision that hopline.yaml makes by itself. */
export function configured(
  outcome: Outcome,
  key: string,
  reason: string,
  { mode, version }: Terms,
): Decision {
  const observed = mode === 'observe' && outcome !== 'allow';
  return { outcome, policies: [`config:${key}`], reason, observed, errors: [], version };
}

/**
 * One sentence for a person, and each policy's own message after it.
 * @param what as `connect to db1`, `delete on orders-db`
 * @param who null where the decision is the same for everybody
 */
export function reasonFor(verdict: Verdict, what: string, who: string | null): string {
  // Threat: a DNS name with escape sequences, written to somebody's terminal.
  return sentence(verdict, what, who).replace(/\p{Cc}/gu, '?');
}

function sentence(verdict: Verdict, what: string, who: string | null): string {
  const { outcome, determining, errors } = verdict;
  const ids = determining.map(({ id }) => id).join(', ');
  const deed = `${what}${who === null ? '' : ` for ${who}`}`;
  const several = determining.length > 1;
  if (errors.length > 0) {
    const culprit = ids === '' ? 'the policies' : ids;
    return `${culprit} could not be evaluated, which denies ${deed}: ${errors.join('; ')}`;
  }
  if (outcome === 'allow') return `${ids} ${several ? 'permit' : 'permits'} ${deed}`;
  if (determining.length === 0) return `no policy permits ${deed}`;
  const said = determining.flatMap(({ message }) => message ?? []);
  const told = said.length === 0 ? '' : `: ${[...new Set(said)].join(' ')}`;
  if (outcome === 'deny') return `${ids} ${several ? 'forbid' : 'forbids'} ${deed}${told}`;
  const groups = determining.map(({ approval }) => approval?.group ?? 'another person');
  return `${deed} needs approval by ${[...new Set(groups)].sort().join(' and ')} (${ids})${told}`;
}

/** The destination as a person would call it. */
export function whatIs({ resource }: ConnectRequest, { destination, name }: ConnectQuery): string {
  if (resource.id !== UNLISTED && resource.id !== LOOPBACK) return resource.id;
  const host = name ?? (destination.address.includes(':') ? `[${destination.address}]` : destination.address);
  return `${host}:${destination.port}${resource.id === UNLISTED ? ', which no target lists,' : ''}`;
}

/** The principal as a person would call it. */
export function whoIs({ id }: Placed): string {
  if (id === UNATTRIBUTED) return 'a process of unknown origin';
  if (id.startsWith(`${UNATTENDED}:`)) {
    const [, source = '', ...user] = id.split(':');
    return user.length === 0 ? `an unattended ${source}` : `an unattended ${source} of ${user.join(':')}`;
  }
  if (!id.startsWith(ACCOUNT_PREFIX)) return id;
  const account = id.slice(ACCOUNT_PREFIX.length);
  return account === '' ? 'an unknown account' : `the account ${account}, whose person is not verified`;
}
