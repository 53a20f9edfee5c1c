import { isUnnamed } from '../attribution/chain.ts';
import type { HopDraft } from '../attribution/recorder.ts';
import type { Root } from '../attribution/roots.ts';
import type { Problem } from '../config/problem.ts';
import type { Config } from '../config/types.ts';
import { hopsAbove } from '../core/link.ts';
import type { Route, Target, TargetTls } from '../core/target.ts';
import type { Decision } from '../core/types.ts';
import { type Arrival, identify, type KnownPeer } from '../identity/resolve.ts';
import { policyData } from '../policy/actions.ts';
import { denied } from '../policy/decide.ts';
import { loadAll } from '../policy/load.ts';
import { type ConnectQuery, principalOf, QueryError } from '../policy/request.ts';
import type { PolicySnapshot } from '../policy/snapshot.ts';
import type { WorkerSnapshot } from '../proxy/worker-snapshot.ts';

/** Everything that one reading of the configuration means; replaced as a whole or not at all. */
export interface PolicyState {
  readonly config: Config;
  readonly snapshot: PolicySnapshot;
  /** By name: asked for each connection that the proxy takes. */
  readonly targets: ReadonlyMap<string, Target>;
  /** With ids that no earlier table used. */
  readonly routes: readonly Route[];
  readonly warnings: readonly Problem[];
}

/**
 * Reads the configuration again and again, each time into a whole new state. Route ids go on from one
 * table to the next, and begin at a number from the clock: a flow may outlive its table, and its daemon.
 */
export class PolicyLoader {
  readonly #path: string;
  readonly #protocols: readonly string[];
  #nextRoute = ((Math.floor(Date.now() / 1000) % 0xf_ffff) + 1) * 0x1000;

  /** @param protocols names of the protocol rooms */
  constructor(path: string, protocols: readonly string[]) {
    this.#path = path;
    this.#protocols = protocols;
  }

  /** @throws ConfigError with every problem of every file */
  load(): PolicyState {
    const options = { firstRouteId: this.#nextRoute, protocols: this.#protocols };
    const { config, policies, routes, warnings } = loadAll(this.#path, options);
    this.#nextRoute += routes.length;
    const targets = new Map(config.targets.map((target) => [target.name, target]));
    return { config, snapshot: policies, targets, routes, warnings };
  }
}

export function decideConnect(
  state: PolicyState,
  hop: Omit<HopDraft, 'decision'>,
  root: Root | null,
): Decision {
  const { config, snapshot } = state;
  // Threat: a policy that forbids a program is passed by where the chain has too many names to keep that one.
  if (isUnnamed(hop.image))
    return denied([], 'too many programs led to this connection to name them all', {
      mode: config.mode,
      version: snapshot.version,
    });
  return snapshot.decideConnect(connectQuery(hop, root));
}

function connectQuery(hop: Omit<HopDraft, 'decision'>, root: Root | null): ConnectQuery {
  return {
    login: root,
    chain: hop.chain,
    target: hop.target,
    destination: hop.destination,
    transport: hop.transport === 'udp' ? 'udp' : 'tcp',
    name: hop.name,
    hops: hopsAbove(root?.link ?? null),
  };
}

/** @param peers whose word is taken on who comes from them */
export function identifyBy(
  state: PolicyState,
  peers: readonly KnownPeer[],
  account: string,
  authInfo: string | null,
): Arrival {
  return identify(state.config.identities, peers, account, authInfo);
}

/** As policies call whoever a root is. */
export function nameOf(root: Root | null): string {
  try {
    return principalOf(root).id;
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return 'nobody that policies know';
  }
}

/** The room that serves an inspected connection: the target's own, where there is one of that name. */
export function protocolFor(state: PolicyState, target: string | null, protocols: readonly string[]): string {
  const { mode, protocol: wanted } = targetOf(state, target) ?? {};
  // Where policy has to be asked who connects it comes here all the same, and stays between client and server.
  return mode !== 'direct' && wanted !== undefined && protocols.includes(wanted) ? wanted : 'tcp';
}

function targetOf({ targets }: PolicyState, target: string | null): Target | undefined {
  return target === null ? undefined : targets.get(target);
}

const ANY_TLS: TargetTls = { mode: 'prefer', ca: null, serverName: null };

export function tlsFor(state: PolicyState, target: string | null): TargetTls {
  return targetOf(state, target)?.tls ?? ANY_TLS;
}

/** What workers need of it. */
export function workerSnapshot({ config, snapshot }: PolicyState, maskKey: string): WorkerSnapshot {
  const { claim, dial } = config.proxy.timeouts;
  return {
    ...{ version: snapshot.version, claimTimeoutMs: claim, dialTimeoutMs: dial },
    policies: policyData({ ...config, files: config.policies }),
    maskKey,
    recording: config.recording,
  };
}
