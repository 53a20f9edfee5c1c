/** A connection that came from elsewhere than it left by: somebody translates addresses, or has copied its SYN option. */
import type { Endpoint } from '../core/types.ts';

export function moved(source: Endpoint, client: Endpoint): boolean {
  return source.address !== client.address || source.port !== client.port;
}

/** For a person. @param host where the connection began */
export function movedFrom(host: string, { address, port }: Endpoint): string {
  const why = `the connection left ${host} from ${address} port ${port}, and came from elsewhere`;
  return `${why} (nat: true for this peer, where addresses are translated)`;
}
