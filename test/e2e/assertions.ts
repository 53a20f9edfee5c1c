/** What every path of attribution has to come to: whose login, which chain, which destination. */
import { execFileSync } from 'node:child_process';
import type { Test } from 'tap';
import type { HopJson, TreeLoginJson } from '../../src/api/json.ts';
import { type Bastion, type Family, type Found, labName, waitForHop } from './support.ts';

const fingerprints = new Map<string, string>();

/** `SHA256:…` of the key with which a person logs in from a host. */
export function fingerprint(user: string, from = 'laptop'): string {
  const path = `/run/hopline-${labName}/keys/${user}-${from}.pub`;
  let found = fingerprints.get(path);
  if (found === undefined) {
    found = execFileSync('ssh-keygen', ['-lf', path], { encoding: 'utf8' }).split(' ')[1] ?? '';
    fingerprints.set(path, found);
  }
  return found;
}

export interface Person {
  readonly user: string;
  /** Whose key it was; the account's own where nothing is said. */
  readonly identity?: string;
  /** From where the login came. */
  readonly client: string;
}

/** As the lab's identities.yaml has them. */
export function groupsOf(person: string): string[] {
  return person === 'bob' ? ['engineers', 'dba'] : ['engineers'];
}

/** An SSH login of a known person, by the key that they hold. */
export function isLoginOf(t: Test, login: TreeLoginJson, { user, identity = user, client }: Person): void {
  t.match(login.id, /^[0-9A-HJKMNP-TV-Z]{12}$/, 'the login has an id');
  t.equal(login.kind, 'ssh');
  t.equal(login.user, user, 'account');
  t.equal(login.client?.address, client, 'client');
  t.match(login.identity, {
    name: identity,
    verified: true,
    groups: groupsOf(identity),
    evidence: {
      method: 'publickey',
      fingerprint: fingerprint(identity),
      keyType: 'ssh-ed25519',
      source: 'pam',
    },
  });
}

export interface Expected {
  readonly chain: readonly string[];
  readonly address: string;
  readonly port: number;
  readonly transport?: HopJson['transport'];
  readonly protocol?: string;
  readonly target?: string | null;
  readonly outcome?: 'allow' | 'deny';
  readonly mode?: HopJson['mode'];
}

/** The room of the lab's targets, where a test does not say. */
function usual({ port, outcome }: Expected): string {
  return outcome !== 'deny' && port === 22 ? 'ssh' : 'tcp';
}

/**
 * One connection: its chain, where it went, what was decided, and that its process is one of the login's.
 * @param what begins the assertions' names, where a test looks at several
 */
export function isHop(t: Test, { login, hop }: Found, expected: Expected, what?: string): void {
  const named = (name: string) => (what === undefined ? name : `${what}: ${name}`);
  t.equal(hop.login, login.id, named("the hop is the login's"));
  t.same(hop.chain, expected.chain, named('chain'));
  t.same(hop.destination, { address: expected.address, port: expected.port }, named('destination'));
  t.equal(hop.transport, expected.transport ?? 'tcp', named('transport'));
  t.equal(hop.protocol, expected.protocol ?? usual(expected), named('protocol'));
  if (expected.target !== undefined) t.equal(hop.target, expected.target, named('target'));
  t.equal(hop.decision.outcome, expected.outcome ?? 'allow', named('outcome'));
  t.equal(hop.mode, expected.mode ?? 'inspect', named('mode'));
  t.ok(
    login.processes.some(({ id }) => id === hop.process),
    named("the process is one of the login's tree"),
  );
}

/** Waits for the hop to `web1:80` of the login with `word`, and asserts that it is alice's by `chain`. */
export async function reachedWeb(
  t: Test,
  place: { host: Bastion; word: string; family: Family; user?: string; identity?: string },
  chain: readonly string[],
): Promise<Found> {
  const { host, word, family, user = 'alice' } = place;
  const address = family.address('web1');
  const found = await waitForHop(
    host,
    word,
    (hop) => hop.destination.address === address && hop.destination.port === 80,
  );
  const identity = place.identity ?? user;
  isLoginOf(t, found.login, { user, identity, client: family.address('laptop') });
  isHop(t, found, { chain, address, port: 80, target: 'web1' });
  return found;
}

/** The processes by name, as `exe` ends. */
export function processesOf(login: TreeLoginJson, name: string) {
  return login.processes.filter(({ exe }) => exe === name || exe.endsWith(`/${name}`));
}
