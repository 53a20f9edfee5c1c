/** The other hosts, from this process's side: who is connected, who is not and why, and what is asked of whom. */
import { PeerConnection, PeerError } from './connection.ts';
import { type Dialed, dialMember } from './dial.ts';
import { type Arrived, Listener } from './listen.ts';
import type { FleetConfig, FromPeers } from './messages.ts';
import { optionKey } from './option-key.ts';
import { ownAddresses } from './own-addresses.ts';
import type { Hello, Member, Request } from './protocol.ts';

const BACKOFF_MIN_MS = 250;
const BACKOFF_MAX_MS = 10_000;
/** One that has gone without a word is noticed after at most this and {@link PONG_MS}. */
const PING_MS = 10_000;
const PONG_MS = 5_000;
/** One that has connected says who it is within this. */
const GREETING_MS = 10_000;
/** Two hosts that connect to each other at once have two; a third while one of them is found to be dead. */
const MOST_OF_ONE = 4;

export interface FleetOptions {
  tell(message: FromPeers): void;
  /** What the supervisor answers. @param host null: one that has no certificate */
  answer(host: string | null, request: Request): Promise<unknown>;
}

interface Peer {
  endpoint: Member['endpoint'];
  readonly connections: Set<PeerConnection>;
  /** Those, and what has not said yet who it is. */
  all: number;
  delayMs: number;
  timer: NodeJS.Timeout | null;
  dialing: Dialed | null;
  /** Null: it was not tried yet. */
  down: string | null;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #peers = new Map<string, Peer>();
  #config: FleetConfig | null = null;
  #listener: Listener | null = null;

  constructor(options: FleetOptions) {
    this.#options = options;
    setInterval(() => this.#ping(), PING_MS).unref();
  }

  /** Who was put out is disconnected; a new certificate counts from the next connection on. */
  configure(config: FleetConfig): void {
    const before = this.#config;
    this.#config = config;
    for (const [host, peer] of this.#peers)
      if (config.removed.includes(host)) this.#drop(host, peer, 'it was put out of the fleet');
    for (const member of config.members) this.#know(member);
    // What was said of this host may be another by now.
    for (const [host, peer] of this.#peers)
      for (const connection of peer.connections) this.#greet(host, peer, connection);
    const same = JSON.stringify(before?.listen) === JSON.stringify(config.listen);
    if (!same) this.#listener?.close();
    if (!same) this.#listener = null;
    if (this.#listener === null && config.listen !== null)
      this.#listener = new Listener(config.listen, {
        config: () => this.#config as FleetConfig,
        onArrived: (arrived) => this.#arrived(arrived),
        onListening: () => this.#options.tell({ type: 'listening' }),
        onTrouble: (message) => this.#options.tell({ type: 'trouble', message }),
      });
    else this.#listener?.renew();
  }

  /** @throws PeerError */
  async ask(host: string, { method, params }: Request): Promise<unknown> {
    const peer = this.#peers.get(host);
    for (const connection of peer?.connections ?? [])
      if (connection.open) return connection.ask(method, params as never);
    if (peer === undefined) throw new PeerError(`${host} is not in the fleet`);
    throw new PeerError(peer.down ?? 'it is not connected yet');
  }

  #know({ host, endpoint }: Member): void {
    const config = this.#config as FleetConfig;
    if (host === config.host || config.removed.includes(host)) return;
    let peer = this.#peers.get(host);
    if (peer === undefined) {
      peer = {
        ...{ endpoint, connections: new Set<PeerConnection>(), all: 0, delayMs: BACKOFF_MIN_MS },
        ...{ timer: null, dialing: null, down: null },
      };
      this.#peers.set(host, peer);
    }
    peer.endpoint = endpoint ?? peer.endpoint;
    this.#dial(host, peer);
  }

  #drop(host: string, peer: Peer, reason: string): void {
    this.#peers.delete(host);
    if (peer.timer !== null) clearTimeout(peer.timer);
    peer.dialing?.cancel();
    for (const connection of peer.connections) connection.close(reason);
  }

  #dial(host: string, peer: Peer): void {
    const { endpoint } = peer;
    if (endpoint === null || peer.dialing !== null || peer.timer !== null || peer.connections.size > 0)
      return;
    const dialed = dialMember(this.#config as FleetConfig, host, endpoint, (source) =>
      this.#options.tell({ type: 'dialing', source, destination: endpoint }),
    );
    peer.dialing = dialed;
    dialed.connected
      .then((socket) => {
        peer.dialing = null;
        this.#take(host, socket, true);
      })
      .catch((error: Error) => {
        peer.dialing = null;
        // It may have connected by itself meanwhile.
        if (this.#peers.get(host) === peer && peer.connections.size === 0)
          this.#down(host, peer, error.message);
      });
  }

  #arrived({ host, socket }: Arrived): void {
    if (host !== null) {
      this.#know({ host, endpoint: null });
      this.#take(host, socket, false);
      return;
    }
    // It has shown no certificate: it may join, and nothing else.
    new PeerConnection(socket, {
      answer: async (request) => {
        if (request.method !== 'join') throw new PeerError('a certificate of the fleet is needed for that');
        return this.#options.answer(null, request);
      },
      onClose: () => {},
      limit: 4096,
    });
  }

  /** @param ours we have dialed it, and say who we are first */
  #take(host: string, socket: Arrived['socket'], ours: boolean): void {
    const peer = this.#peers.get(host);
    // Threat: a member may send much on each.
    if (peer === undefined || peer.all >= MOST_OF_ONE) return void socket.destroy();
    peer.all++;
    const connection: PeerConnection = new PeerConnection(socket, {
      answer: async (request) => {
        if (request.method === 'ping') return {};
        if (request.method === 'join') throw new PeerError('it is in the fleet already');
        if (request.method === 'refused') return void connection.close(`it says: ${request.params.reason}`);
        if (request.method !== 'hello') return this.#options.answer(host, request);
        this.#greeted(host, peer, connection, request.params);
        return this.#hello(host);
      },
      onClose: (reason, broken) => {
        clearTimeout(timer);
        if (broken) this.#options.tell({ type: 'trouble', message: `${host} was cut off: ${reason}` });
        peer.all--;
        peer.connections.delete(connection);
        if (peer.connections.size === 0 && this.#peers.get(host) === peer)
          this.#down(host, peer, reason ?? 'the connection was ended');
      },
    });
    const timer = setTimeout(() => {
      if (!peer.connections.has(connection)) connection.close('it did not say who it is');
    }, GREETING_MS);
    if (ours) this.#greet(host, peer, connection);
  }

  #greet(host: string, peer: Peer, connection: PeerConnection): void {
    connection.ask('hello', this.#hello(host)).then(
      (hello) => this.#greeted(host, peer, connection, hello),
      (error: Error) => connection.close(error.message),
    );
  }

  #greeted(host: string, peer: Peer, connection: PeerConnection, hello: Hello): void {
    if (hello.host !== host) {
      connection.close(`it calls itself ${hello.host}, and its certificate ${host}`, true);
      return;
    }
    if (!connection.open) return;
    peer.connections.add(connection);
    peer.endpoint = hello.endpoint ?? peer.endpoint;
    peer.delayMs = BACKOFF_MIN_MS;
    peer.down = null;
    this.#options.tell({ type: 'up', host, hello });
    for (const member of hello.members) this.#know(member);
  }

  #down(host: string, peer: Peer, reason: string): void {
    peer.down = reason;
    this.#options.tell({ type: 'down', host, reason: reason.slice(0, 512) });
    if (peer.endpoint === null || peer.timer !== null) return;
    peer.timer = setTimeout(() => {
      peer.timer = null;
      if (this.#peers.get(host) === peer) this.#dial(host, peer);
    }, peer.delayMs);
    peer.delayMs = Math.min(peer.delayMs * 2, BACKOFF_MAX_MS);
  }

  #hello(to: string): Hello {
    const { host, advertised, addresses, authorities, optionSecret } = this.#config as FleetConfig;
    const members = [...this.#peers].map(([name, { endpoint }]) => ({ host: name, endpoint }));
    const key =
      optionSecret === '' ? '' : optionKey(Buffer.from(optionSecret, 'base64'), to).toString('base64');
    return {
      ...{ host, endpoint: advertised, addresses: addresses ?? ownAddresses() },
      ...{ authorities, optionKey: key, members },
    };
  }

  #ping(): void {
    for (const { connections } of this.#peers.values())
      for (const connection of connections)
        connection.ask('ping', {}, PONG_MS).catch((error: Error) => connection.close(error.message));
  }
}
