/** Connections from other hosts. */
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Endpoint } from '../core/types.ts';
import { explained } from './dial.ts';
import type { FleetConfig } from './messages.ts';
import { isHost, PROTOCOL } from './protocol.ts';

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
      ...{ minVersion: 'TLSv1.3', ALPNProtocols: [PROTOCOL], handshakeTimeout: HANDSHAKE_MS },
      // One that joins has none yet: what is not verified is told apart below.
      ...{ requestCert: true, rejectUnauthorized: false },
    });
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.on('secureConnection', (socket) => this.#secured(socket));
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
    const { removed } = this.#options.config();
    const shown = socket.getPeerX509Certificate();
    if (shown === undefined) {
      this.#stranger(socket);
      return;
    }
    const host = /^DNS:([^,]+)$/.exec(shown.subjectAltName ?? '')?.[1];
    const why = socket.authorized ? null : (socket.authorizationError as unknown as string);
    if (why !== null || !isHost(host) || removed.includes(host)) {
      const reason =
        why === null ? 'its host is not in the fleet' : explained({ code: why, name: '', message: why });
      this.#options.onTrouble(
        `${isHost(host) ? host : 'a host'} at ${socket.remoteAddress} was refused: ${reason}`.slice(0, 512),
      );
      return void socket.destroy();
    }
    this.#options.onArrived({ host, socket });
  }

  #stranger(socket: TLSSocket): void {
    if (this.#strangers >= MOST_STRANGERS) return void socket.destroy();
    this.#strangers++;
    const timer = setTimeout(() => socket.destroy(), STRANGER_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#strangers--;
    });
    this.#options.onArrived({ host: null, socket });
  }
}

function credentials({ ca, certificate, key }: FleetConfig) {
  return { ca, cert: certificate, key };
}
