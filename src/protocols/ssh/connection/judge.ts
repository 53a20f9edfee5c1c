/** Who says what may be done in a connection; the relay only asks. */
import type { Channel } from './channel.ts';
import type { Request } from './messages.ts';
import type { Watch } from './watch.ts';

export type Judgement = { readonly allowed: true; readonly watch: Watch | null } | Refusal;

export interface Refusal {
  readonly allowed: false;
  /** For the person. */
  readonly message: string;
}

/** A person is asked; until then nothing of it reaches the host. */
export interface Held {
  readonly allowed: null;
  /**
   * Once. Never rejects.
   * @param tell for the person who waits
   * @param signal aborted, with why, when nobody waits any more
   */
  wait(tell: (text: string) => void, signal: AbortSignal): Promise<Judgement>;
}

export interface Judge {
  /**
   * The host has taken the user: before anything else.
   * @param account whom the login is to at the host
   * @param login how, for the record
   */
  begin(account: string, login: Readonly<Record<string, unknown>>): void;
  /** A channel that the client, or the host, wants to open. @throws WireError */
  open(type: string, openedBy: 'client' | 'host', data: Buffer): Judgement | Held;
  /** A request of the client in a session channel: shell, exec, subsystem, x11-req, … @throws WireError */
  request(channel: Channel, request: Request): Judgement | Held;
  /** A request of the client for the connection: tcpip-forward, … @throws WireError */
  global(request: Request): Judgement | Held;
}
