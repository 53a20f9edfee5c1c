import type { HopDraft } from '../attribution/recorder.ts';
import type { Root } from '../attribution/roots.ts';
import type { Problem } from '../config/problem.ts';
import type { Config } from '../config/types.ts';
import type { Decision, Identity, Route } from '../core/types.ts';
import { identify } from '../identity/resolve.ts';
import { loadAll } from '../policy/load.ts';
import type { ConnectQuery } from '../policy/request.ts';
import type { PolicySnapshot } from '../policy/snapshot.ts';

/** Everything that one reading of the configuration means; replaced as a whole or not at all. */
export interface PolicyState {
  readonly config: Config;
  readonly snapshot: PolicySnapshot;
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
  #nextRoute = ((Math.floor(Date.now() / 1000) % 0xf_ffff) + 1) * 0x1000;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws ConfigError with every problem of every file */
  load(): PolicyState {
    const { config, policies, routes, warnings } = loadAll(this.#path, { firstRouteId: this.#nextRoute });
    this.#nextRoute += routes.length;
    return { config, snapshot: policies, routes, warnings };
  }
}

export function decideConnect(
  state: PolicyState,
  hop: Omit<HopDraft, 'decision'>,
  root: Root | null,
): Decision {
  return state.snapshot.decideConnect(connectQuery(hop, root));
}

function connectQuery(hop: Omit<HopDraft, 'decision'>, root: Root | null): ConnectQuery {
  return {
    login: root,
    chain: hop.chain,
    target: hop.target,
    destination: hop.destination,
    transport: hop.transport === 'udp' ? 'udp' : 'tcp',
    name: hop.name,
    hops: 0,
  };
}

export function identifyBy(state: PolicyState, account: string, authInfo: string | null): Identity {
  return identify(state.config.identities, account, authInfo);
}
