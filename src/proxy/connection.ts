/** One accepted connection, from its claim to its end. */
import type { Socket } from 'node:net';
import { reset } from '../core/reset.ts';
import type { Endpoint } from '../core/types.ts';
import type { End, HeldCredential, ProtocolRoom } from '../protocols/room.ts';
import type { RecordingLink } from '../recording/link.ts';
import type { Channel } from './channel.ts';
import { type Decider, HopActions } from './hop-actions.ts';
import { HopRecordings } from './hop-recordings.ts';
import type { Flow, ListenerName } from './messages.ts';
import { boundAddress, DialError, dial } from './upstream.ts';

export class Connection {
  readonly #client: Socket;
  readonly #channel: Channel;
  readonly #rooms: ReadonlyMap<string, ProtocolRoom>;
  readonly #decider: Decider;
  readonly #link: RecordingLink;
  #upstream: Socket | null = null;
  #reset: (() => void) | null = null;
  #closed: string | null = null;
  /** Tells the supervisor of the dial, if it was not told yet. */
  #tell: () => void = () => {};
  #over = false;

  /** @param client accepted, paused, nothing read */
  constructor(
    client: Socket,
    channel: Channel,
    rooms: ReadonlyMap<string, ProtocolRoom>,
    decider: Decider,
    link: RecordingLink,
  ) {
    this.#client = client;
    this.#link = link;
    this.#channel = channel;
    this.#rooms = rooms;
    this.#decider = decider;
  }

  /** Ends the hop with RST on both sides. */
  close(reason: string): void {
    this.#closed ??= reason;
    if (this.#reset !== null) {
      this.#reset();
      return;
    }
    reset(this.#client);
    if (this.#upstream !== null) reset(this.#upstream);
  }

  /**
   * @param onFlow told which hop this is, once that is known
   * @returns when the connection is over and, if it was a hop, its end is reported
   */
  async run(listener: ListenerName, onFlow: (flow: Flow) => void): Promise<void> {
    this.#client.on('error', ignore);
    const from = endpoint(this.#client.remoteAddress, this.#client.remotePort);
    if (from === null) {
      this.#client.destroy();
      return;
    }
    const claimed = await this.#channel.claim(listener, from);
    if (claimed.outcome === 'refuse') {
      await this.#rooms.get(claimed.protocol ?? '')?.refuse?.(this.#client, claimed.reason);
      reset(this.#client);
      return;
    }
    const { flow } = claimed;
    onFlow(flow);
    const recordings = new HopRecordings(flow.hop, this.#channel, this.#link);
    const end = await this.#serve(flow, from.address, recordings);
    await recordings.end();
    // A room may be done with a connection in the turn in which it came about: of a hop that has ended nothing more is told.
    this.#tell();
    this.#over = true;
    this.#channel.ended(flow.hop, end.bytesUp, end.bytesDown, this.#closed ?? end.reason);
  }

  async #serve(flow: Flow, from: string, recordings: HopRecordings): Promise<End> {
    const room = this.#rooms.get(flow.protocol);
    try {
      if (flow.outcome === 'deny') return this.#refuse(flow.reason);
      if (room === undefined) return this.#refuse(`no room speaks ${flow.protocol}`);
      if (this.#closed !== null) return this.#refuse(this.#closed);
      return await room.serve({
        hop: flow.hop,
        target: flow.target,
        destination: flow.destination,
        client: this.#client,
        actions: new HopActions(flow, this.#channel, this.#decider),
        recordings,
        tls: flow.tls,
        credential: flow.held ? this.#credential(flow.hop) : null,
        certificate: (names) => this.#channel.certificate(names),
        ask: (question, detail) => this.#channel.ask(flow.hop, question, detail),
        limitIdleMs: flow.limitIdleMs ?? 0,
        dial: () => this.#dial(flow, from),
        onClose: (reset) => {
          this.#reset = reset;
          if (this.#closed !== null) reset();
        },
      });
    } catch (error) {
      if (this.#upstream !== null) reset(this.#upstream);
      if (error instanceof DialError) return this.#refuse(`not reached: ${error.message}`);
      return this.#refuse(`failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #credential(hop: string): HeldCredential {
    return {
      ask: (user) => this.#channel.credential(hop, user),
      refused: () => this.#channel.credentialRefused(hop),
    };
  }

  #dial(flow: Flow, from: string): Promise<Socket> {
    const { dialTimeoutMs } = this.#channel.snapshot;
    const bound = boundAddress(from, flow.destination.address);
    const { socket, connected, tell } = dial(flow.destination, bound, dialTimeoutMs, (source) => {
      if (!this.#over) this.#channel.dialed(flow.hop, source);
    });
    this.#upstream = socket;
    this.#tell = tell;
    socket.on('error', ignore);
    return connected;
  }

  /** A client that connected cannot be told "refused" any more: a reset is the nearest that TCP has. */
  #refuse(reason: string): End {
    reset(this.#client);
    return { bytesUp: 0, bytesDown: 0, reason };
  }
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint | null {
  if (address === undefined || port === undefined) return null;
  return { address: address.startsWith('::ffff:') ? address.slice(7) : address, port };
}

/** Errors arrive through the room or the dial; a socket without a listener would take the worker down. */
function ignore(): void {}
