import { isIP } from 'node:net';
import { ControlError, type Explanation, type Params } from '../api/protocol.ts';
import type { Endpoint, Login } from '../core/types.ts';
import { explainConnect } from '../policy/explain.ts';
import type { Daemon } from './daemon.ts';

type Asked = Pick<Login, 'kind' | 'source' | 'user' | 'identity'>;

/**
 * What policy says of a connection that somebody might make.
 * @throws ControlError where the question names nothing that is known
 */
export function explain(daemon: Daemon, params: Params['policy.explain']): Explanation {
  const login = askedLogin(daemon, params);
  const destination = askedDestination(daemon, params);
  const route = daemon.routing.find('tcp', destination.address, destination.port);
  const chain = params.chain ?? [];
  const explained = explainConnect(daemon.policy.snapshot, {
    login,
    chain,
    target: route?.target ?? null,
    destination,
    transport: 'tcp',
    name: null,
    hops: 0,
  });
  return {
    decision: route?.decision ?? explained.decision,
    route: { action: route?.action ?? 'deny', target: route?.target ?? null },
    destination,
    user: login.identity?.name ?? login.user,
    groups: login.identity?.groups ?? [],
    chain,
    policies: Object.fromEntries(
      explained.determining.map(({ id, file, line, text }) => [id, `${file}:${line}\n${text}`]),
    ),
  };
}

function askedLogin(daemon: Daemon, { login, user }: Params['policy.explain']): Asked {
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
  return { kind: 'ssh', source: null, user, identity };
}

function askedDestination(daemon: Daemon, { target, destination }: Params['policy.explain']): Endpoint {
  if (target !== undefined) {
    const found = daemon.policy.config.targets.find(({ name }) => name === target);
    if (!found)
      throw new ControlError(
        'not_found',
        `no target is called ${target}: hopline targets are in targets.yaml`,
      );
    return { address: found.addresses[0]?.split('/')[0] ?? '', port: found.ports[0] ?? 0 };
  }
  const parts = /^\[?([^\]]+)\]?:(\d+)$/.exec(destination ?? '');
  if (!parts?.[1] || isIP(parts[1]) === 0)
    throw new ControlError('bad_request', 'where to? Give --target NAME or --destination ADDRESS:PORT');
  return { address: parts[1], port: Number(parts[2]) };
}
