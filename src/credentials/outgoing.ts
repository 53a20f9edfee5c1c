/** The supervisor's own connections, for whoever watches the uplinks and would otherwise not know whose they are. */
import type { ClientRequest } from 'node:http';
import { isIP } from 'node:net';
import type { Endpoint } from '../core/types.ts';

export interface Outgoing {
  /** A name is looked up: packets to the host's resolvers. */
  lookup(): void;
  /** Told within a turn of the event loop after the first packet, and again when it is connected. */
  connecting(source: Endpoint, destination: Endpoint): void;
}

/** @param url what is asked for */
export function watch(request: ClientRequest, url: URL, outgoing: Outgoing): void {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  if (isIP(host) === 0) outgoing.lookup();
  request.once('socket', (socket) => {
    const tell = (address: string | undefined): void => {
      const { localAddress, localPort } = socket;
      if (address === undefined || localAddress === undefined || localPort === undefined) return;
      outgoing.connecting({ address: localAddress, port: localPort }, { address, port });
    };
    // An address is being connected to before there is an event to hear; a name comes to its addresses one by one.
    if (isIP(host) !== 0) setImmediate(() => tell(host));
    socket.on('connectionAttempt', (address: string) => setImmediate(() => tell(address)));
    socket.once('connect', () => tell(socket.remoteAddress));
  });
}
