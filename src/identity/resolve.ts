/** Who somebody is: the person in identities.yaml whom the evidence names, else the host account and no more. */
import { bigIntFromId } from '../core/ids.ts';
import { readKeyId } from '../core/key-id.ts';
import type { Evidence, Id, Identity, Linked } from '../core/types.ts';
import { readAuthInfo } from './auth-info.ts';

/** A person as identities.yaml has them. */
export interface KnownUser {
  readonly name: string;
  readonly groups: readonly string[];
  readonly accounts: readonly { readonly name: string; readonly trusted: boolean }[];
  readonly keys: readonly string[];
  readonly certificates: readonly {
    readonly ca: string;
    readonly keyId: string | null;
    readonly principal: string | null;
  }[];
}

export interface Claim {
  /** The host account that was logged in to. */
  readonly account: string;
  /** Everything sshd said, or the one thing that is known. */
  readonly evidence: Evidence | readonly Evidence[];
}

/**
 * In this order: a certificate (its CA with key id, then its CA with principal), a key's fingerprint, an account that is
 * marked `trust_account`. An account that is only listed says nothing by itself: shared accounts have several
 * people, so without evidence the identity is the account, unverified and without groups. Evidence that names two
 * people names nobody. What a process's own environment says (`source: 'environ'`) is the process's to forge and
 * verifies nothing.
 */
export function resolveIdentity(identities: readonly KnownUser[], claim: Claim): Identity {
  const all: readonly Evidence[] = Array.isArray(claim.evidence)
    ? claim.evidence
    : [claim.evidence as Evidence];
  const sound = all.filter((evidence) => evidence.source !== 'environ');
  for (const match of [byKeyId, byPrincipal, byKey]) {
    const found = sound.flatMap((evidence) =>
      identities.filter((user) => match(user, evidence)).map((user) => ({ user, evidence })),
    );
    const [first] = found;
    if (first === undefined) continue;
    const several = found.some(({ user }) => user !== first.user);
    return several ? unknown(claim.account, first.evidence) : known(first.user, first.evidence);
  }
  const trusting = identities.filter((user) =>
    user.accounts.some(({ name, trusted }) => trusted && name === claim.account),
  );
  const [strongest = { method: 'account', source: 'proc' } as const] = all;
  const [owner] = trusting;
  if (owner !== undefined && trusting.length === 1) return known(owner, strongest);
  return unknown(claim.account, strongest);
}

/** Another host with Hopline, by the fingerprint of the key that its authority signs with. */
export interface KnownPeer {
  readonly host: string;
  readonly ca: string;
}

/** Who has come, and by which hop of another host. */
export interface Arrival {
  readonly identity: Identity;
  /** Null: no peer's certificate says so. */
  readonly link: Linked | null;
}

/**
 * As {@link resolveIdentity}, from what sshd's PAM session saw: the content of SSH_AUTH_INFO_0, or null. A certificate
 * that a peer has issued says who it is, whatever the account, and comes first: sshd has checked it.
 */
export function identify(
  identities: readonly KnownUser[],
  peers: readonly KnownPeer[],
  account: string,
  authInfo: string | null,
): Arrival {
  const evidence = authInfo === null ? [] : readAuthInfo(authInfo, 'pam');
  for (const one of evidence) {
    const from = broughtBy(peers, one);
    if (from === null) continue;
    const user = identities.find(({ name }) => name === from.identity);
    const groups = user?.groups ?? [];
    return {
      identity: { name: from.identity, groups, verified: true, evidence: one },
      link: { evidence: 'certificate', host: from.host, hop: from.hop, depth: 1, reason: null },
    };
  }
  const fallback: Evidence = { method: 'account', source: 'pam' };
  const claim = { account, evidence: evidence.length > 0 ? evidence : fallback };
  return { identity: resolveIdentity(identities, claim), link: null };
}

/** A key id that is not this peer's own, or names no hop, says nothing: unlinked is better than a guess. */
export function broughtBy(
  peers: readonly KnownPeer[],
  { method, ca, keyId, source }: Evidence,
): { readonly identity: string; readonly host: string; readonly hop: Id } | null {
  if (method !== 'certificate' || source !== 'pam' || keyId === undefined) return null;
  const said = readKeyId(keyId);
  if (said === null || !peers.some((peer) => peer.ca === ca && peer.host === said.host)) return null;
  return bigIntFromId(said.hop) === null ? null : said;
}

function known(user: KnownUser, evidence: Evidence): Identity {
  return { name: user.name, groups: user.groups, verified: true, evidence };
}

function unknown(account: string, evidence: Evidence): Identity {
  return { name: account, groups: [], verified: false, evidence };
}

function byKeyId(user: KnownUser, { method, ca, keyId, principals = [] }: Evidence): boolean {
  return (
    method === 'certificate' &&
    user.certificates.some(
      (own) =>
        own.ca === ca &&
        own.keyId !== null &&
        own.keyId === keyId &&
        (own.principal === null || principals.includes(own.principal)),
    )
  );
}

function byPrincipal(user: KnownUser, { method, ca, principals = [] }: Evidence): boolean {
  return (
    method === 'certificate' &&
    user.certificates.some(
      (own) =>
        own.ca === ca && own.keyId === null && own.principal !== null && principals.includes(own.principal),
    )
  );
}

function byKey(user: KnownUser, { fingerprint }: Evidence): boolean {
  return fingerprint !== undefined && user.keys.includes(fingerprint);
}
