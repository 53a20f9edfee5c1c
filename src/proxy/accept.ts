/** A worker's acceptor: takes connections from the inherited listeners and keeps the set of live ones. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { ProtocolRoom } from '../protocols/room.ts';
import type { RecordingLink } from '../recording/link.ts';
import type { Channel } from './channel.ts';
import { Connection } from './connection.ts';
import type { Decider } from './hop-actions.ts';
import type { ListenerName, WorkerConfig } from './messages.ts';

export class Acceptor {
  readonly #channel: Channel;
  readonly #rooms: ReadonlyMap<string, ProtocolRoom>;
  readonly #decider: Decider;
  readonly #link: RecordingLink;
  readonly #servers: Server[] = [];
  readonly #live = new Set<Connection>();
  readonly #hops = new Map<string, Connection>();
  #idle: (() => void) | null = null;

  constructor(
    channel: Channel,
    rooms: ReadonlyMap<string, ProtocolRoom>,
    decider: Decider,
    link: RecordingLink,
  ) {
    this.#channel = channel;
    this.#link = link;
    this.#rooms = rooms;
    this.#decider = decider;
  }

  get open(): number {
    return this.#live.size;
  }

  /** Resolves when every listener accepts. */
  async listen(config: WorkerConfig): Promise<void> {
    for (const { name, fd } of config.listeners) {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) =>
        this.#accept(name, socket),
      );
      this.#servers.push(server);
      server.listen({ fd, backlog: config.backlog });
      await once(server, 'listening');
      // A failed accept (EMFILE, ECONNABORTED) costs that connection, not the worker.
      server.on('error', () => {});
    }
  }

  /** Ends one hop. @returns false where it is not, or no longer, here */
  close(hop: string, reason: string): boolean {
    const connection = this.#hops.get(hop);
    connection?.close(reason);
    return connection !== undefined;
  }

  /** Resets every connection. */
  closeAll(reason: string): void {
    for (const connection of this.#live) connection.close(reason);
  }

  /**
   * Stops accepting (what waits in the backlog stays there for others), lets live connections go on until the
   * deadline, then resets the rest. Resolves when none is left.
   */
  async drain(deadlineMs: number): Promise<void> {
    for (const server of this.#servers) server.close();
    if (this.#live.size === 0) return;
    const timer = setTimeout(() => this.closeAll('the proxy stopped'), deadlineMs);
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    clearTimeout(timer);
  }

  #accept(listener: ListenerName, socket: Socket): void {
    const connection = new Connection(socket, this.#channel, this.#rooms, this.#decider, this.#link);
    this.#live.add(connection);
    let hop: string | null = null;
    const over = (): void => {
      this.#live.delete(connection);
      if (hop !== null) this.#hops.delete(hop);
      if (this.#live.size === 0) this.#idle?.();
    };
    void connection
      .run(listener, (flow) => {
        hop = flow.hop;
        this.#hops.set(hop, connection);
      })
      .finally(over);
  }
}
