/** A connection as policies see it: principal, resource, context. */
import { AddressError, isLoopback, parseAddress } from '../config/address.ts';
import type { Target } from '../core/target.ts';
import type { Endpoint, Lifted, Login } from '../core/types.ts';
import type { Request } from './engine.ts';
import { ACCOUNT_PREFIX, type Action, LOOPBACK, UNATTENDED, UNATTRIBUTED, UNLISTED } from './schema.ts';
import type { Entity, Placed } from './scope.ts';

/** Everything that a decision about a connection can read. Nothing else influences it. */
export interface ConnectQuery {
  /** Null where it is not known what the process descends from. */
  readonly login: Pick<Login, 'kind' | 'source' | 'user' | 'identity'> | null;
  readonly chain: readonly string[];
  /** The target that lists the destination, by its route; null where none does. */
  readonly target: string | null;
  readonly destination: Endpoint;
  readonly transport: 'tcp' | 'udp';
  /** The name in the DNS answer that the login got. */
  readonly name: string | null;
  /** Hosts that the way here has led through already. */
  readonly hops: number;
  /** Approvals that were given. */
  readonly approved?: readonly Lifted[];
}

export type Context = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface ConnectRequest {
  readonly principal: Placed;
  readonly resource: Placed;
  readonly context: Context;
  /** No part of the context: a policy is lifted by its own approval, not by another's. */
  readonly approved: readonly Lifted[];
}

/** The query can't be put to policies, so that it is denied. */
export class QueryError extends Error {
  override readonly name = 'QueryError';
}

/** @throws QueryError where a name or number in the query could be taken for what it is not */
export function connectRequest(
  query: ConnectQuery,
  tagsOf: (target: string) => readonly string[],
): ConnectRequest {
  const { login, chain, destination, transport, name, hops, approved = [] } = query;
  const address = checkedAddress(destination.address);
  for (const [what, value] of Object.entries({ port: destination.port, hops })) {
    if (!Number.isSafeInteger(value)) throw new QueryError(`${what} is no whole number`);
  }
  const programs = chain.map((program) => program.toWellFormed());
  const context: Record<string, string | number | boolean | readonly string[]> = {
    chain: [...new Set(programs.flatMap((program) => [program, ...program.split(' ')]))],
    program: programs.at(-1) ?? '',
    depth: programs.length,
    kind: login?.kind ?? 'unattended',
    source: login === null ? UNATTRIBUTED : (login.source ?? ''),
    verified: login?.identity?.verified ?? false,
    evidence: login?.identity?.evidence.method ?? '',
    transport,
    address,
    port: destination.port,
    hops,
  };
  if (name !== null) context.name = name.toWellFormed();
  const resource = resourceOf(query.target, address, tagsOf);
  return { principal: principalOf(login), resource, context, approved };
}

/** The name that policies know a login by: a person, an account, an unattended origin, or nobody known. */
export function principalOf(login: ConnectQuery['login']): Placed {
  if (login === null || login.source === 'unattributed') return user(UNATTRIBUTED);
  if (login.kind === 'unattended') {
    const parts = [UNATTENDED, login.source ?? 'service', ...(login.user === null ? [] : [login.user])];
    return user(parts.join(':'), [UNATTENDED]);
  }
  const { identity } = login;
  if (identity === null || !identity.verified)
    return user(`${ACCOUNT_PREFIX}${identity?.name ?? login.user ?? ''}`);
  // Threat: an identity provider whose user or group is called as what no person may be.
  if (identity.name.includes(':') || identity.name === UNATTRIBUTED) {
    throw new QueryError(`nobody may be called ${JSON.stringify(identity.name)}`);
  }
  if (identity.groups.includes(UNATTENDED)) throw new QueryError(`no person is in the group "${UNATTENDED}"`);
  return user(identity.name, identity.groups);
}

export function resourceOf(
  target: string | null,
  address: string,
  tagsOf: (target: string) => readonly string[],
): Placed {
  if (target !== null) return targetEntity(target, tagsOf(target));
  const local = isLoopback(address) || address === '0.0.0.0' || address === '::';
  return local ? targetEntity(LOOPBACK, [LOOPBACK]) : targetEntity(UNLISTED, [UNLISTED]);
}

export function tagsIn(targets: readonly Target[]): (target: string) => readonly string[] {
  const tags = new Map(targets.map((target) => [target.name, target.tags]));
  return (target) => tags.get(target) ?? [];
}

export function targetEntity(name: string, tags: readonly string[]): Placed {
  return { type: 'Target', id: name, parents: tags.map((id) => ({ type: 'Tag', id })) };
}

/** In Cedar's JSON. */
export function cedarRequest({ principal, resource, context }: ConnectRequest, action: Action): Request {
  const { address, ...rest } = context;
  const plainContext = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, Array.isArray(value) ? [...value] : value]),
  );
  return {
    principal: uid(principal),
    action: { type: 'Action', id: action },
    resource: uid(resource),
    context: { ...plainContext, address: { __extn: { fn: 'ip', arg: String(address) } } },
    entities: [principal, resource].map((entity) => ({
      uid: uid(entity),
      attrs: {},
      parents: entity.parents.map(uid),
    })),
  };
}

function uid({ type, id }: Entity): Entity {
  return { type, id };
}

function user(name: string, groups: readonly string[] = []): Placed {
  return { type: 'User', id: name.toWellFormed(), parents: groups.map((id) => ({ type: 'Group', id })) };
}

function checkedAddress(text: string): string {
  try {
    return parseAddress(text);
  } catch (error) {
    if (error instanceof AddressError) throw new QueryError(error.message, { cause: error });
    throw error;
  }
}
