/**
 * The channels of a connection, by each end's number.
 *
 * A channel that is refused here is closed towards both ends at once. What they sent before they heard of it still comes,
 * up to their own CLOSE, and is dropped; the number may be that of another channel by then. So is what comes behind a
 * CLOSE, as from paramiko, whose threads do not wait for each other: OpenSSH takes it as long as it has not tidied up.
 */
import { broken } from './broken.ts';
import type { Channel } from './channel.ts';

/** Open at once in one connection. A browser through `-D` has some dozens. */
export const MOST_CHANNELS = 1024;

export class Table {
  readonly #byClient = new Map<number, Channel>();
  readonly #byHost = new Map<number, Channel>();
  /** Opened, and not yet confirmed, by the opener's number. */
  readonly #fromClient = new Map<number, Channel>();
  readonly #fromHost = new Map<number, Channel>();
  /** How many CLOSEs are owed for channels that are gone. */
  readonly #owedByClient = new Map<number, number>();
  readonly #owedByHost = new Map<number, number>();

  /** Numbers of channels that are gone: the host's, by which the client names them, and the client's. */
  readonly #pastOfHost = new Set<number>();
  readonly #pastOfClient = new Set<number>();

  get size(): number {
    return this.#byClient.size + this.#fromClient.size + this.#fromHost.size;
  }

  get full(): boolean {
    return this.size + this.#owedByClient.size + this.#owedByHost.size >= MOST_CHANNELS;
  }

  /** @throws SshError where the opener has a channel of this number already */
  add(channel: Channel): void {
    const { openedBy, client, host } = channel;
    const [opening, open, number] =
      openedBy === 'client'
        ? [this.#fromClient, this.#byClient, client]
        : [this.#fromHost, this.#byHost, host];
    if (number === null || opening.has(number) || open.has(number)) throw broken('a channel number twice');
    opening.set(number, channel);
  }

  get all(): Iterable<Channel> {
    return this.#byClient.values();
  }

  /** In none of them more is to come. */
  get idle(): boolean {
    if (this.#fromClient.size > 0 || this.#fromHost.size > 0) return false;
    return [...this.#byClient.values()].every(({ complete }) => complete);
  }

  /** Added, and never told to the other end. */
  unopened({ openedBy, client, host }: Channel): void {
    if (openedBy === 'client' && client !== null) this.#fromClient.delete(client);
    else if (host !== null) this.#fromHost.delete(host);
  }

  /** @param recipient the opener's number. @throws SshError where nothing was opened */
  confirm(recipient: number, by: 'client' | 'host', sender: number): Channel {
    const opening = by === 'host' ? this.#fromClient : this.#fromHost;
    const channel = opening.get(recipient);
    if (channel === undefined || channel.waits) throw broken('a channel confirmed that nobody opened');
    if ((by === 'host' ? this.#byHost : this.#byClient).has(sender)) throw broken('a channel number twice');
    opening.delete(recipient);
    if (by === 'host') channel.host = sender;
    else channel.client = sender;
    const { client, host } = channel;
    if (client === null || host === null) throw broken('a channel without numbers');
    this.#byClient.set(client, channel);
    this.#byHost.set(host, channel);
    return channel;
  }

  failedAtHost(recipient: number): Channel | null {
    return failed(this.#fromClient, recipient);
  }

  failedAtClient(recipient: number): Channel | null {
    return failed(this.#fromHost, recipient);
  }

  /** The channel of a message from the client. @returns null: drop it. @throws SshError for a number that is none */
  ofHost(number: number): Channel | null {
    return find(this.#byHost, this.#owedByClient, this.#pastOfHost, number, 'closedByClient');
  }

  /** The channel of a message from the host; as {@link ofHost}. */
  ofClient(number: number): Channel | null {
    return find(this.#byClient, this.#owedByHost, this.#pastOfClient, number, 'closedByHost');
  }

  /** The client's CLOSE. @returns null: it was owed, and is nothing to the host */
  closedByClient(number: number): Channel | null {
    if (settle(this.#owedByClient, number)) return null;
    const channel = this.ofHost(number);
    if (channel !== null) channel.closedByClient = true;
    return this.#forget(channel);
  }

  closedByHost(number: number): Channel | null {
    if (settle(this.#owedByHost, number)) return null;
    const channel = this.ofClient(number);
    if (channel !== null) channel.closedByHost = true;
    return this.#forget(channel);
  }

  /** Both ends have been sent a CLOSE and owe theirs. */
  refuse(channel: Channel): void {
    const { client, host } = channel;
    if (client === null || host === null) return;
    this.#remove(channel);
    if (!channel.closedByClient) owe(this.#owedByClient, host);
    if (!channel.closedByHost) owe(this.#owedByHost, client);
  }

  /** @returns those that were there */
  clear(): Channel[] {
    const all = [...this.#byClient.values(), ...this.#fromClient.values(), ...this.#fromHost.values()];
    for (const map of [this.#byClient, this.#byHost, this.#fromClient, this.#fromHost]) map.clear();
    return all;
  }

  #forget(channel: Channel | null): Channel | null {
    if (channel?.closedByClient && channel.closedByHost) this.#remove(channel);
    return channel;
  }

  #remove({ client, host }: Channel): void {
    if (client !== null && this.#byClient.delete(client)) remember(this.#pastOfClient, client);
    if (host !== null && this.#byHost.delete(host)) remember(this.#pastOfHost, host);
  }
}

function find(
  channels: ReadonlyMap<number, Channel>,
  owed: ReadonlyMap<number, number>,
  past: ReadonlySet<number>,
  number: number,
  closed: 'closedByClient' | 'closedByHost',
): Channel | null {
  // What is owed was sent before anything about a newer channel of this number.
  if (owed.has(number)) return null;
  const channel = channels.get(number);
  if (channel === undefined && !past.has(number))
    throw broken(`a message for channel ${number}, which is not open`);
  return channel === undefined || channel[closed] ? null : channel;
}

/** The last ones: OpenSSH takes the lowest number that is free, paramiko always another. */
function remember(past: Set<number>, number: number): void {
  past.add(number);
  const [oldest] = past;
  if (past.size > MOST_CHANNELS && oldest !== undefined) past.delete(oldest);
}

function failed(opening: Map<number, Channel>, recipient: number): Channel | null {
  const channel = opening.get(recipient);
  if (channel === undefined || channel.waits) throw broken('a channel refused that nobody opened');
  opening.delete(recipient);
  return channel;
}

function owe(owed: Map<number, number>, number: number): void {
  owed.set(number, (owed.get(number) ?? 0) + 1);
}

function settle(owed: Map<number, number>, number: number): boolean {
  const count = owed.get(number);
  if (count === undefined) return false;
  if (count === 1) owed.delete(number);
  else owed.set(number, count - 1);
  return true;
}
