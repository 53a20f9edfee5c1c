/** The shared maps, typed. Names and shapes are those of bpf/maps.h. */
import { BpfMap, type Layout, nameLayout, readCounters, u32Layout, u64Layout } from './bpf-map.ts';
import * as abi from './layouts.generated.ts';
import type { Libbpf } from './libbpf.ts';
import { EventRing } from './ring.ts';

export const SHARED_MAPS = [
  'config',
  'minted',
  'losses',
  'lineage',
  'roots',
  'revoked',
  'spawners',
  'routes',
  'sockets',
  'sent',
  'flows',
  'route_cache',
  'tallies',
  'peers',
  'listeners',
  'hop_peers',
  'hop_tallies',
  'hop_sent',
  'hop_offered',
  'hop_arrived',
  'events',
] as const;
export type SharedMap = (typeof SHARED_MAPS)[number];

const EVENTS_BYTES = 16 * 1024 * 1024;

const config: Layout<abi.HlConfig> = {
  size: abi.hlConfigSize,
  read: abi.readHlConfig,
  write: abi.writeHlConfig,
};
const key: Layout<abi.HlKey> = { size: abi.hlKeySize, read: abi.readHlKey, write: abi.writeHlKey };
const lineage: Layout<abi.HlLineage> = {
  size: abi.hlLineageSize,
  read: abi.readHlLineage,
  write: abi.writeHlLineage,
};
const root: Layout<abi.HlRoot> = { size: abi.hlRootSize, read: abi.readHlRoot, write: abi.writeHlRoot };
const routeKey: Layout<abi.HlRouteKey> = {
  size: abi.hlRouteKeySize,
  read: abi.readHlRouteKey,
  write: abi.writeHlRouteKey,
};
const route: Layout<abi.HlRoute> = { size: abi.hlRouteSize, read: abi.readHlRoute, write: abi.writeHlRoute };
const flowKey: Layout<abi.HlFlowKey> = {
  size: abi.hlFlowKeySize,
  read: abi.readHlFlowKey,
  write: abi.writeHlFlowKey,
};
const flow: Layout<abi.HlFlow> = { size: abi.hlFlowSize, read: abi.readHlFlow, write: abi.writeHlFlow };
const listenerKey: Layout<abi.HlListenerKey> = {
  size: abi.hlListenerKeySize,
  read: abi.readHlListenerKey,
  write: abi.writeHlListenerKey,
};
const listener: Layout<abi.HlListener> = {
  size: abi.hlListenerSize,
  read: abi.readHlListener,
  write: abi.writeHlListener,
};

const hopNetwork: Layout<abi.HlHopNetwork> = {
  size: abi.hlHopNetworkSize,
  read: abi.readHlHopNetwork,
  write: abi.writeHlHopNetwork,
};
const hopKey: Layout<abi.HlHopKey> = {
  size: abi.hlHopKeySize,
  read: abi.readHlHopKey,
  write: abi.writeHlHopKey,
};
const hopOffer: Layout<abi.HlHopOffer> = {
  size: abi.hlHopOfferSize,
  read: abi.readHlHopOffer,
  write: abi.writeHlHopOffer,
};
const hopEnds: Layout<abi.HlHopEnds> = {
  size: abi.hlHopEndsSize,
  read: abi.readHlHopEnds,
  write: abi.writeHlHopEnds,
};
const hopArrival: Layout<abi.HlHopArrival> = {
  size: abi.hlHopArrivalSize,
  read: abi.readHlHopArrival,
  write: abi.writeHlHopArrival,
};

export interface KernelMaps {
  readonly config: BpfMap<number, abi.HlConfig>;
  readonly lineage: BpfMap<abi.HlKey, abi.HlLineage>;
  readonly roots: BpfMap<bigint, abi.HlRoot>;
  /** Indexed by HlTally. */
  readonly tallies: BpfMap<number, bigint>;
  /** Roots that may not connect any more; `tallies` has to know how many. */
  readonly revoked: BpfMap<bigint, number>;
  readonly spawners: BpfMap<string, number>;
  readonly routes: BpfMap<abi.HlRouteKey, abi.HlRoute>;
  readonly flows: BpfMap<abi.HlFlowKey, abi.HlFlow>;
  readonly listeners: BpfMap<abi.HlListenerKey, abi.HlListener>;
  readonly hopPeers: BpfMap<abi.HlHopNetwork, abi.HlHopKey>;
  /** Indexed by HlHopTally. */
  readonly hopTallies: BpfMap<number, bigint>;
  /** By handle, as the number that its bytes are, the least first. */
  readonly hopOffered: BpfMap<bigint, abi.HlHopOffer>;
  readonly hopArrived: BpfMap<abi.HlHopEnds, abi.HlHopArrival>;
  readonly events: EventRing;
  /** Losses counted by the kernel since the maps were made, indexed by HlLoss. */
  losses(): bigint[];
}

/** @param fds file descriptors of the shared maps by name */
export function openMaps(lib: Libbpf, fds: ReadonlyMap<string, number>): KernelMaps {
  const fd = (name: SharedMap): number => {
    const found = fds.get(name);
    if (found === undefined) throw new Error(`map ${name} is not in the loaded objects`);
    return found;
  };
  return {
    config: new BpfMap(lib, fd('config'), 'config', u32Layout, config),
    lineage: new BpfMap(lib, fd('lineage'), 'lineage', key, lineage),
    roots: new BpfMap(lib, fd('roots'), 'roots', u64Layout, root),
    revoked: new BpfMap(lib, fd('revoked'), 'revoked', u64Layout, u32Layout),
    tallies: new BpfMap(lib, fd('tallies'), 'tallies', u32Layout, u64Layout),
    spawners: new BpfMap(lib, fd('spawners'), 'spawners', nameLayout(abi.HL_NAME), u32Layout),
    routes: new BpfMap(lib, fd('routes'), 'routes', routeKey, route),
    flows: new BpfMap(lib, fd('flows'), 'flows', flowKey, flow),
    listeners: new BpfMap(lib, fd('listeners'), 'listeners', listenerKey, listener),
    hopPeers: new BpfMap(lib, fd('hop_peers'), 'hop_peers', hopNetwork, hopKey),
    hopTallies: new BpfMap(lib, fd('hop_tallies'), 'hop_tallies', u32Layout, u64Layout),
    hopOffered: new BpfMap(lib, fd('hop_offered'), 'hop_offered', u64Layout, hopOffer),
    hopArrived: new BpfMap(lib, fd('hop_arrived'), 'hop_arrived', hopEnds, hopArrival),
    events: new EventRing(lib, fd('events'), EVENTS_BYTES),
    losses: () => readCounters(lib, fd('losses'), abi.HlLoss.LOSS_MAX),
  };
}
