/** The fleet, as an administrator sees and changes it. */
import type { Handlers } from '../api/connection.ts';
import { rfc3339 } from '../api/json.ts';
import { ControlError, type FleetJson } from '../api/protocol.ts';
import { endpointText } from '../core/address.ts';
import { PeerError } from '../peers/connection.ts';
import { isHost } from '../peers/protocol.ts';
import { endpointFrom, FleetError } from '../peers/state.ts';
import type { Daemon } from './daemon.ts';

type PeerHandlers = Required<
  Pick<Handlers, 'peers' | 'peer.invite' | 'peer.join' | 'peer.remove' | 'peer.leave'>
>;

export function peerHandlers(daemon: Daemon): PeerHandlers {
  const peering = () => daemon.fleet.peering;
  const changing = async <T>(uid: number, change: (by: string) => Promise<T> | T): Promise<T> => {
    if (uid !== 0) throw new ControlError('refused', 'only root may change which hosts are in the fleet');
    try {
      return await change(`uid ${uid}`);
    } catch (error) {
      if (error instanceof FleetError || error instanceof PeerError || (error as Error).name === 'CaError')
        throw new ControlError('refused', (error as Error).message);
      throw error;
    } finally {
      daemon.record.flush();
    }
  };
  const named = (host: string): string => {
    if (isHost(host)) return host;
    throw new ControlError('refused', `${host} is no name of a host`);
  };
  return {
    peers: () => fleet(daemon),
    'peer.invite': ({ host }, { peer }) =>
      changing(peer.uid, async (by) => {
        const { token, expires, endpoint } = await peering().invite(named(host), by);
        const at = endpoint === null ? null : endpointText(endpoint);
        return { host, token, expires: rfc3339(expires * 1000), endpoint: at };
      }),
    'peer.join': ({ endpoint, token }, { peer }) =>
      changing(peer.uid, async (by) => ({ by: await peering().join(endpointFrom(endpoint), token, by) })),
    'peer.remove': ({ host }, { peer }) =>
      changing(peer.uid, (by) => {
        peering().remove(named(host), by);
        return null;
      }),
    'peer.leave': (_, { peer }) =>
      changing(peer.uid, async (by) => {
        await peering().leave(by);
        return null;
      }),
  };
}

function fleet(daemon: Daemon): FleetJson {
  const { peering } = daemon.fleet;
  const { config } = daemon.policy;
  const { listen } = config.peering;
  return {
    host: config.host,
    joined: peering.state.joined,
    founded: peering.state.founded,
    listen: listen === null ? null : endpointText(listen),
    peers: peering.list().map(({ host, endpoint, addresses, down, since }) => ({
      ...{ host, addresses, connected: down === null, reason: down },
      endpoint: endpoint === null ? null : endpointText(endpoint),
      since: since === null ? null : rfc3339(since),
    })),
    invited: peering.state.invited.map(({ host, expires }) => ({ host, expires: rfc3339(expires * 1000) })),
  };
}
