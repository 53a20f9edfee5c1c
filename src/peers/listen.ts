/** Connections from other hosts. */
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Endpoint } from '../core/types.ts';
import { refuse } from './dial.ts';
import type { FleetConfig } from './messages.ts';
import { isHost, PROTOCOL } from './protocol.ts';
import { REMOVED, refusalOf } from './refusal.ts';

const RETRY_MS = 5_000;
const HANDSHAKE_MS = 10_000;
/** Those without a certificate may ask one thing, and have this long for it. */
const STRANGER_MS = 10_000;
const MOST_STRANGERS = 16;
const MOST_CONNECTIONS = 1024;

export interface Arrived {
  /** By its certificate; null: it has none. */
  readonly host: string | null;
  readonly socket: TLSSocket;
}

export interface ListenerOptions {
  config(): FleetConfig;
  onArrived(arrived: Arrived): void;
  onListening(): void;
  onTrouble(message: string): void;
  /** Milliseconds; {@link HANDSHAKE_MS} where nothing is said. */
  readonly handshakeMs?: number;
}

export class Listener {
  readonly #at: Endpoint;
  readonly #options: ListenerOptions;
  readonly #server: Server;
  #strangers = 0;
  #closed = false;

  constructor(at: Endpoint, options: ListenerOptions) {
    this.#at = at;
    this.#options = options;
    this.#server = createServer({
      ...credentials(options.config()),
      ...{
        minVersion: 'TLSv1.3',
        ALPNProtocols: [PROTOCOL],
        handshakeTimeout: options.handshakeMs ?? HANDSHAKE_MS,
      },
      // One that joins has none yet: what is not verified is told apart below.
      ...{ requestCert: true, rejectUnauthorized: false },
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.on('secureConnection', (socket) => this.#secured(socket));
    this.#server.on('tlsClientError', (error, socket) => {
      // Node leaves open what has not finished in time (24): silent ones would keep the others out.
      // One that only looked whether the port is open has no address any more, and says nothing.
      const { remoteAddress } = socket;
      socket.destroy();
      if (remoteAddress === undefined) return;
      const why = (error as { reason?: string }).reason ?? error.message;
      this.#trouble(remoteAddress, 'what came', `was refused: it is no TLS as hosts speak it: ${why}`);
    });
    this.#server.on('listening', options.onListening);
    this.#server.on('error', (error) => {
      options.onTrouble(
        `${at.address} port ${at.port} is not listened on: ${error.message}; other hosts cannot connect`,
      );
      if (!this.#closed) setTimeout(() => this.#listen(), RETRY_MS).unref();
    });
    this.#listen();
  }

  /** With the certificate that the configuration has by now. */
  renew(): void {
    this.#server.setSecureContext({ ...credentials(this.#options.config()), minVersion: 'TLSv1.3' });
  }

  close(): void {
    this.#closed = true;
    this.#server.close();
  }

  #listen(): void {
    if (!this.#closed) this.#server.listen({ host: this.#at.address, port: this.#at.port, ipv6Only: false });
  }

  #secured(socket: TLSSocket): void {
    socket.on('error', () => {});
    const { removed, ca } = this.#options.config();
    const shown = socket.getPeerX509Certificate();
    if (shown === undefined) {
      this.#stranger(socket);
      return;
    }
    const host = /^DNS:([^,]+)$/.exec(shown.subjectAltName ?? '')?.[1];
    if (socket.authorized && isHost(host) && !removed.includes(host)) {
      this.#options.onArrived({ host, socket });
      return;
    }
    const code = socket.authorizationError as unknown as string | undefined;
    const refusal = socket.authorized ? REMOVED : refusalOf(code ?? 'it was not verified', shown, { ca });
    // The name is whoever's who made the certificate, where the fleet's authority did not.
    const known = (socket.authorized || refusal.clock !== '') && isHost(host);
    this.#trouble(socket.remoteAddress, known ? host : 'a host', `was refused: ${refusal.why}`);
    if (this.#passing(socket)) refuse(socket, refusal.told);
  }

  #stranger(socket: TLSSocket): void {
    if (!this.#passing(socket)) return;
    const timer = setTimeout(() => socket.destroy(), STRANGER_MS);
    socket.once('close', () => clearTimeout(timer));
    this.#options.onArrived({ host: null, socket });
  }

  /** It is not of the fleet. @returns false where there are too many of those: it is gone */
  #passing(socket: TLSSocket): boolean {
    if (this.#strangers >= MOST_STRANGERS) {
      this.#trouble(
        socket.remoteAddress,
        'a host',
        'was refused: too many that are not of the fleet are here',
      );
      socket.destroy();
      return false;
    }
    this.#strangers++;
    socket.once('close', () => {
      this.#strangers--;
    });
    return true;
  }

  #trouble(address: string | undefined, who: string, what: string): void {
    this.#options.onTrouble(`${who} at ${address ?? 'an unknown address'} ${what}`.slice(0, 512));
  }
}

function credentials({ ca, certificate, key }: FleetConfig) {
  return { ca, cert: certificate, key };
}
