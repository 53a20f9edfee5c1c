/** Who is at the other end of the control socket: the person whose login the asking process descends from. */
import type { Peer } from '../api/peer.ts';
import { ControlError } from '../api/protocol.ts';
import type { Root } from '../attribution/roots.ts';
import type { IdentityUser } from '../config/types.ts';
import type { Id } from '../core/types.ts';

export interface Person {
  /** As identities.yaml has them. */
  readonly name: string;
  readonly groups: readonly string[];
  /** Host accounts that are theirs. */
  readonly accounts: readonly string[];
  readonly login: Id;
  /** Of the asking process: 0 by way of sudo. */
  readonly uid: number;
}

export interface Whois {
  /** The root of a process that is this one and none that got its number later. */
  rootOf(pid: number, startTicks: number): Root | null;
  identities(): readonly IdentityUser[];
}

const SO = 'an approval is given by a person';

/**
 * By descent, not by uid: root by way of alice's sudo is alice.
 * @throws ControlError `refused` where it is no person, or nobody whose identity is verified
 */
export function personOf(peer: Peer, whois: Whois): Person {
  const root = peer.startTicks === null ? null : whois.rootOf(peer.pid, peer.startTicks);
  if (root === null || root.kind === 'unattended')
    throw new ControlError('refused', `${SO}: this process descends from no login of one`);
  if (root.revoked !== null) throw new ControlError('refused', `${SO}: your login ${root.id} was revoked`);
  const { identity } = root;
  const known =
    identity?.verified === true ? whois.identities().find(({ name }) => name === identity.name) : undefined;
  if (known === undefined)
    throw new ControlError(
      'refused',
      `${SO} whose identity is verified: log in with a key, a certificate or a trusted account that identities.yaml has`,
    );
  const accounts = known.accounts.map(({ name }) => name);
  return { name: known.name, groups: known.groups, accounts, login: root.id, uid: peer.uid };
}

/** Whether what `requester` did is the person's own doing, as far as can be told: what may be, is. */
export function isOwn(requester: Root | null, person: Person): boolean {
  if (requester === null) return false;
  if (requester.id === person.login) return true;
  const { identity, user } = requester;
  if (identity?.verified === true) return identity.name === person.name;
  return user !== null && (user === person.name || person.accounts.includes(user));
}
