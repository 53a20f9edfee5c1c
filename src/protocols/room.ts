/**
 * The seam between the proxy and the protocols: the proxy knows no protocol, a protocol knows no proxy.
 */
import type { Socket } from 'node:net';
import type { Endpoint, Id } from '../core/types.ts';

/** One hop as a room sees it. */
export interface Session {
  readonly hop: Id;
  readonly target: string | null;
  readonly destination: Endpoint;
  /** Accepted, paused, half-open allowed; nothing has been read from it. */
  readonly client: Socket;
  /** End the hop after so long without a byte in either direction; 0 is never. */
  readonly limitIdleMs: number;
  /**
   * Connects to the destination, once. The socket comes paused, with half-open allowed.
   * @throws DialError, which a room lets through: the proxy mirrors it to the client
   */
  dial(): Promise<Socket>;
  /**
   * Says how the hop is ended from above (revoked, drained): `reset` resets both sides. Until a room has said it, the
   * proxy resets the sockets that it made.
   */
  onClose(reset: () => void): void;
}

export interface End {
  /** Bytes from the client that the destination's socket took. */
  readonly bytesUp: number;
  /** Bytes from the destination that the client's socket took. */
  readonly bytesDown: number;
  /** Null: closed by either side. */
  readonly reason: string | null;
}

/** A protocol. `serve` settles when both sockets are closed. */
export interface ProtocolRoom {
  readonly name: string;
  serve(session: Session): Promise<End>;
}
