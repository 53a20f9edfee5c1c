import { isIP } from 'node:net';
import { ControlError, type Explanation, type Params } from '../api/protocol.ts';
import { hopsAbove } from '../core/link.ts';
import type { Target } from '../core/target.ts';
import type { Endpoint, Login } from '../core/types.ts';
import { explainConnect } from '../policy/explain.ts';
import { chooseLogin, NoLoginError } from './choose-login.ts';
import type { Daemon } from './daemon.ts';

type Who = Pick<Login, 'kind' | 'source' | 'user' | 'identity' | 'link'>;

interface Where {
  readonly destination: Endpoint;
  readonly transport: 'tcp' | 'udp';
  /** As DNS would have told it to the login. */
  readonly name: string | null;
}

/**
 * What policy says of a connection that somebody might make.
 * @throws ControlError where the question names nothing that is known
 */
export function explain(daemon: Daemon, params: Params['policy.explain']): Explanation {
  const login = askedLogin(daemon, params);
  const { destination, transport, name } = askedDestination(daemon, params);
  const route = daemon.routing.find(transport, destination.address, destination.port);
  const chain = params.chain ?? [];
  const explained = explainConnect(daemon.policy.snapshot, {
    login,
    chain,
    target: route?.target ?? null,
    destination,
    transport,
    name,
    hops: hopsAbove(login.link),
  });
  return {
    decision: route?.decision ?? explained.decision,
    route: { action: route?.action ?? 'deny', target: route?.target ?? null },
    destination,
    user: login.identity?.name ?? login.user,
    groups: login.identity?.groups ?? [],
    chain,
    held: heldFor(daemon, route?.target ?? null, login),
    policies: Object.fromEntries(
      explained.determining.map(({ id, file, line, text }) => [id, `${file}:${line}\n${text}`]),
    ),
  };
}

/** The login that Hopline would use, for a client that asks for no other of those that are held. */
function heldFor(daemon: Daemon, target: string | null, { identity }: Who): Explanation['held'] {
  const { credentials } = daemon.policy.config;
  if (target === null || !Object.hasOwn(credentials, target)) return null;
  try {
    const groups = identity?.verified ? identity.groups : [];
    const { user, source } = chooseLogin(credentials[target] ?? [], groups, '', target);
    const name = user.by === 'settings' ? user.name : null;
    return { by: user.by, user: name, source: source.kind, refused: null };
  } catch (error) {
    if (!(error instanceof NoLoginError)) throw error;
    return { by: null, user: null, source: null, refused: error.message };
  }
}

function askedLogin(daemon: Daemon, { login, user }: Params['policy.explain']): Who {
  if (login !== undefined) return daemon.store.reader.login(login);
  if (user === undefined) throw new ControlError('bad_request', 'who is asked about? Give --login or --user');
  const known = daemon.policy.config.identities.find(({ name }) => name === user);
  const identity = known
    ? ({
        name: known.name,
        groups: known.groups,
        verified: true,
        evidence: { method: 'publickey', source: 'pam' },
      } as const)
    : ({ name: user, groups: [], verified: false, evidence: { method: 'account', source: 'pam' } } as const);
  return { kind: 'ssh', source: null, user, identity, link: null };
}

function askedDestination(daemon: Daemon, { target, destination }: Params['policy.explain']): Where {
  if (target !== undefined) {
    const found = targetOf(daemon, target);
    if (!found)
      throw new ControlError(
        'not_found',
        `no target is called ${target}: hopline targets are in targets.yaml`,
      );
    const to = { address: addressOf(found), port: found.ports[0] ?? 0 };
    return { destination: to, transport: found.transport, name: null };
  }
  const parts = /^(?:\[([^\]]+)\]|([^[\]]+)):(\d{1,5})(?:\/(tcp|udp))?$/.exec(destination ?? '');
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3]);
  if (host === undefined || port > 65_535)
    throw new ControlError('bad_request', 'where to? Give --target NAME or --destination ADDRESS:PORT');
  const name = isIP(host) === 0 ? host : null;
  const found = name === null ? { address: host, transport: 'tcp' } : named(daemon, name);
  const transport = (parts?.[4] ?? found.transport) === 'udp' ? 'udp' : 'tcp';
  return { destination: { address: found.address, port }, transport, name };
}

/** A target's address, or the one that a login was last told for the name: nothing is asked of DNS from here. */
function named(daemon: Daemon, name: string): { address: string; transport: string } {
  const target = targetOf(daemon, name);
  if (target) return { address: addressOf(target), transport: target.transport };
  const hop = daemon.store.reader.hops({ target: name }).find((one) => one.name === name);
  if (hop) return { address: hop.destination.address, transport: 'tcp' };
  throw new ControlError('not_found', `no target and no recorded hop is called ${name}: give its address`);
}

function targetOf(daemon: Daemon, name: string): Target | undefined {
  return daemon.policy.config.targets.find((target) => target.name === name);
}

function addressOf({ addresses }: Target): string {
  return addresses[0]?.split('/')[0] ?? '';
}
