/**
 * The connection protocol (RFC 4254) between client and host, message by message. Channel numbers and windows are those
 * that the two ends give each other, so nothing waits here and what is not looked into passes as it came.
 */
import { Message, OpenFailure } from '../numbers.ts';
import { broken, tooMany } from './broken.ts';
import { Channel } from './channel.ts';
import { refuseStart } from './deny.ts';
import { filterChannel } from './filtering.ts';
import { GlobalRequests } from './globals.ts';
import { Holding, waitsWithChannel } from './holding.ts';
import { Interjections } from './interject.ts';
import type { Held, Judge, Judgement } from './judge.ts';
import {
  type ChannelOpen,
  DATA_AT,
  decodeConfirmation,
  decodeOpen,
  decodeRequest,
  EXTENDED_DATA_AT,
  encodeChannel,
  encodeConfirmation,
  encodeDebug,
  encodeOpen,
  encodeOpenFailure,
  encodeWindowAdjust,
  MAXIMUM_PACKET,
  recipientOf,
} from './messages.ts';
import { type Asked, exitOf, START_REQUESTS } from './requests.ts';
import { Table } from './table.ts';
import type { Watch } from './watch.ts';

export interface RelayOptions {
  toClient(payload: Buffer): void;
  toHost(payload: Buffer): void;
  /** What the client had sent while it waited breaks the protocol. */
  onBroken(error: Error): void;
  readonly judge: Judge;
}

/** Kept back of a session's window for what is said here; see `Channel.reserve`. */
const RESERVE = 32 * 1024;

export class Relay {
  readonly #options: RelayOptions;
  readonly #channels = new Table();
  readonly #globals: GlobalRequests;
  /** By the host's number of the channel. */
  readonly #held = new Map<number, Holding>();
  /** What is of no open channel. */
  readonly #asked = new Set<Holding>();
  /** Of channels that are over, what is not on record yet. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#globals = new GlobalRequests(options, (held, go) => this.#ask(held, go));
  }

  /** @throws SshError, WireError: the client broke the protocol */
  fromClient(payload: Buffer): void {
    const { toHost } = this.#options;
    if (this.#held.size > 0 && waitsWithChannel(payload)) {
      const holding = this.#held.get(recipientOf(payload));
      if (holding !== undefined) {
        holding.keep(payload);
        return;
      }
    }
    switch (payload[0]) {
      case Message.CHANNEL_DATA:
      case Message.CHANNEL_EXTENDED_DATA:
        this.#data(payload, this.#channels.ofHost(recipientOf(payload)), 'client');
        return;
      case Message.CHANNEL_WINDOW_ADJUST: {
        const channel = this.#channels.ofHost(recipientOf(payload));
        if (channel !== null) this.#adjust(channel, payload);
        return;
      }
      case Message.CHANNEL_REQUEST: {
        const channel = this.#channels.ofHost(recipientOf(payload));
        if (channel !== null) this.#request(channel, payload);
        return;
      }
      case Message.CHANNEL_EOF: {
        const channel = this.#channels.ofHost(recipientOf(payload));
        if (channel?.filter != null)
          channel.filter.clientEof(() => toHost(encodeChannel(Message.CHANNEL_EOF, recipientOf(payload))));
        else if (channel !== null) toHost(payload);
        return;
      }
      case Message.CHANNEL_SUCCESS:
      case Message.CHANNEL_FAILURE:
        if (this.#channels.ofHost(recipientOf(payload)) !== null) toHost(payload);
        return;
      case Message.CHANNEL_CLOSE: {
        const channel = this.#channels.closedByClient(recipientOf(payload));
        if (channel === null) return;
        channel.filter?.withdraw(CLOSED);
        toHost(payload);
        this.#ended(channel);
        return;
      }
      case Message.CHANNEL_OPEN:
        this.#open(payload, 'client');
        return;
      case Message.CHANNEL_OPEN_CONFIRMATION:
        this.#confirm(payload, 'client');
        return;
      case Message.CHANNEL_OPEN_FAILURE:
        this.#channels.failedAtClient(recipientOf(payload))?.watch?.end({ error: 'the client refused' });
        toHost(payload);
        return;
      case Message.GLOBAL_REQUEST:
        this.#globals.request(payload);
        return;
      case Message.REQUEST_SUCCESS:
      case Message.REQUEST_FAILURE:
        toHost(payload);
        return;
      default:
        throw broken(`message ${payload[0]}`);
    }
  }

  /** @throws SshError, WireError: the host broke the protocol */
  fromHost(payload: Buffer): void {
    const { toClient } = this.#options;
    switch (payload[0]) {
      case Message.CHANNEL_DATA:
      case Message.CHANNEL_EXTENDED_DATA:
        this.#data(payload, this.#channels.ofClient(recipientOf(payload)), 'host');
        return;
      case Message.CHANNEL_REQUEST: {
        const channel = this.#channels.ofClient(recipientOf(payload));
        if (channel === null) return;
        channel.exit = exitOf(decodeRequest(payload, 5)) ?? channel.exit;
        toClient(payload);
        return;
      }
      case Message.CHANNEL_WINDOW_ADJUST:
      case Message.CHANNEL_EOF: {
        const channel = this.#channels.ofClient(recipientOf(payload));
        if (channel === null) return;
        channel.eofByHost ||= payload[0] === Message.CHANNEL_EOF;
        toClient(payload);
        return;
      }
      case Message.CHANNEL_SUCCESS:
      case Message.CHANNEL_FAILURE: {
        const channel = this.#channels.ofClient(recipientOf(payload));
        if (channel !== null && !channel.replies.take(Buffer.from(payload)))
          throw broken('an answer that nobody asked for');
        return;
      }
      case Message.CHANNEL_CLOSE: {
        const channel = this.#channels.closedByHost(recipientOf(payload));
        if (channel === null) return;
        toClient(payload);
        this.#ended(channel);
        return;
      }
      case Message.CHANNEL_OPEN:
        this.#open(payload, 'host');
        return;
      case Message.CHANNEL_OPEN_CONFIRMATION:
        this.#confirm(payload, 'host');
        return;
      case Message.CHANNEL_OPEN_FAILURE:
        this.#channels.failedAtHost(recipientOf(payload))?.watch?.end({ error: 'the host refused' });
        toClient(payload);
        return;
      case Message.GLOBAL_REQUEST:
        // Its other keys are none of Hopline's: the client would keep them as ours, or distrust us.
        if (decodeRequest(payload, 1).type !== 'hostkeys-00@openssh.com') toClient(payload);
        return;
      case Message.REQUEST_SUCCESS:
      case Message.REQUEST_FAILURE:
        if (!this.#globals.answer(payload)) throw broken('an answer that nobody asked for');
        return;
      default:
        throw broken(`message ${payload[0]}`);
    }
  }

  /** Nothing is under way: who leaves then breaks nothing off. */
  get idle(): boolean {
    return this.#channels.idle;
  }

  /** Nobody waits for what is held any more. */
  withdraw(why: string): void {
    for (const holding of [...this.#held.values(), ...this.#asked]) holding.withdraw(why);
    for (const { filter } of this.#channels.all) filter?.withdraw(why);
  }

  /** The connection is over, and with it what was done in its channels. @returns when that is told */
  async end(why: string): Promise<void> {
    // PuTTY's and others leave when the program has ended, without the CLOSEs.
    for (const channel of this.#channels.clear()) this.#over(channel, channel.complete ? {} : { error: why });
    const held = [...this.#held.values(), ...this.#asked];
    this.#held.clear();
    this.#asked.clear();
    for (const holding of held) holding.withdraw(why);
    await Promise.all([...held.map(({ over }) => over), ...this.#ending]);
  }

  #data(payload: Buffer, channel: Channel | null, from: 'client' | 'host'): void {
    if (channel === null) return;
    const extended = payload[0] === Message.CHANNEL_EXTENDED_DATA;
    const at = extended ? EXTENDED_DATA_AT : DATA_AT;
    if (payload.length - at > MAXIMUM_PACKET) throw broken('more data in a message than was agreed');
    channel.passes(payload, at, from);
    const filter = extended ? null : channel.filter;
    if (from === 'host') {
      this.#options.toClient(payload);
      filter?.fromHost(payload.subarray(at));
    } else if (filter === null) this.#options.toHost(payload);
    else filter.fromClient(payload.subarray(at));
  }

  /** First the reserve is filled again; the host gets the rest. */
  #adjust(channel: Channel, payload: Buffer): void {
    const bytes = payload.readUInt32BE(5);
    const kept = Math.min(bytes, channel.reserveFull - channel.reserve);
    channel.reserve += kept;
    channel.interjections?.flush();
    if (kept === 0) this.#options.toHost(payload);
    else if (bytes > kept) this.#options.toHost(encodeWindowAdjust(recipientOf(payload), bytes - kept));
  }

  #open(payload: Buffer, openedBy: 'client' | 'host'): void {
    const asked = decodeOpen(payload);
    const { toClient, toHost, judge } = this.#options;
    const [back, on] = openedBy === 'client' ? [toClient, toHost] : [toHost, toClient];
    if (this.#channels.full) {
      back(encodeOpenFailure(asked.sender, OpenFailure.RESOURCE_SHORTAGE, 'Hopline: too many channels'));
      return;
    }
    const refuse = (message: string): void =>
      back(encodeOpenFailure(asked.sender, OpenFailure.ADMINISTRATIVELY_PROHIBITED, message));
    const judged = judge.open(asked.type, openedBy, asked.data);
    if (judged.allowed === false) {
      refuse(judged.message);
      return;
    }
    const channel = new Channel(asked.type, openedBy, asked.sender, toClient);
    this.#channels.add(channel);
    if (judged.allowed !== null) {
      channel.watch = judged.watch;
      this.#goOn(channel, asked, on);
      return;
    }
    // The message is a view.
    const kept = { ...asked, data: Buffer.from(asked.data) };
    channel.waits = true;
    this.#ask(judged, (answered) => {
      channel.waits = false;
      if (answered.allowed) {
        channel.watch = answered.watch;
        this.#goOn(channel, kept, on);
        return;
      }
      this.#channels.unopened(channel);
      refuse(answered.message);
    });
  }

  /** The other end hears of the channel. */
  #goOn(channel: Channel, asked: ChannelOpen, on: (payload: Buffer) => void): void {
    if (asked.type === 'session' && asked.window >= 4 * RESERVE) channel.reserve = RESERVE;
    channel.reserveFull = channel.reserve;
    const window = asked.window - channel.reserve;
    on(encodeOpen({ ...asked, window, maximumPacket: Math.min(asked.maximumPacket, MAXIMUM_PACKET) }));
  }

  #confirm(payload: Buffer, by: 'client' | 'host'): void {
    const recipient = recipientOf(payload);
    const said = decodeConfirmation(payload);
    const channel = this.#channels.confirm(recipient, by, said.sender);
    if (by === 'host') channel.hostMaximumPacket = Math.min(said.maximumPacket, MAXIMUM_PACKET);
    const maximumPacket = Math.min(said.maximumPacket, MAXIMUM_PACKET);
    const on = by === 'client' ? this.#options.toHost : this.#options.toClient;
    on(encodeConfirmation(recipient, { ...said, maximumPacket }));
  }

  #request(channel: Channel, payload: Buffer): void {
    const request = decodeRequest(payload, 5);
    const starts = START_REQUESTS.has(request.type);
    const again = starts && channel.started;
    const refused = { allowed: false, message: '' } as const;
    const judged = again ? refused : this.#options.judge.request(channel, request);
    channel.started ||= starts;
    const { wantReply } = request;
    if (judged.allowed === null)
      this.#hold(channel, { payload: Buffer.from(payload), wantReply }, judged, starts);
    else this.#judged(channel, { payload, wantReply }, judged, starts && !again);
  }

  /** @param starts what the channel is for: without it there is no use for it */
  #judged(channel: Channel, { payload, wantReply }: Asked, judged: Judgement, starts: boolean): void {
    const { toClient, toHost } = this.#options;
    if (judged.allowed) {
      if (wantReply && !channel.replies.expect(starts ? () => this.#notStarted(channel) : null))
        throw tooMany();
      if (judged.watch !== null) this.#watch(channel, judged.watch);
      toHost(payload);
      return;
    }
    const { client } = channel;
    if (client === null) return;
    const refuse = (): void => {
      refuseStart(channel, wantReply, judged.message, this.#options);
      this.#channels.refuse(channel);
    };
    const fail = (): void => toClient(encodeChannel(Message.CHANNEL_FAILURE, client));
    if (!starts && judged.message !== '') this.#tell(channel, `Hopline: ${judged.message}\n`);
    if (starts) {
      if (!channel.replies.own(refuse)) throw tooMany();
    } else if (wantReply && !channel.replies.own(fail)) throw tooMany();
  }

  /** What the client sends in the channel from here on is looked at when the answer is there. */
  #hold(channel: Channel, asked: Asked, held: Held, starts: boolean): void {
    const { host } = channel;
    if (host === null) return;
    const holding = new Holding();
    this.#held.set(host, holding);
    const tell = (text: string): void => {
      if (!channel.closedByHost && this.#held.get(host) === holding) this.#tell(channel, text);
    };
    holding.over = held.wait(tell, holding.signal).then((judged) => {
      const gone = this.#held.get(host) !== holding || channel.closedByHost;
      if (gone && judged.allowed) judged.watch?.end({ error: 'the channel closed first' });
      if (this.#held.get(host) !== holding) return;
      this.#held.delete(host);
      try {
        if (!gone) this.#judged(channel, asked, judged, starts);
        for (const kept of holding.take()) this.fromClient(kept);
      } catch (error) {
        this.#options.onBroken(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #tell(channel: Channel, text: string): void {
    const shown = text.replaceAll('\n', channel.pty ? '\r\n' : '\n');
    new Interjections(channel, this.#options.toClient).stderr(shown);
  }

  /** What is of no open channel waits; the person is told beside all of them. */
  #ask(held: Held, go: (judged: Judgement) => void): void {
    const holding = new Holding();
    this.#asked.add(holding);
    const tell = (text: string): void => {
      if (this.#asked.has(holding)) this.#options.toClient(encodeDebug(text.trimEnd().replaceAll('\n', ' ')));
    };
    holding.over = held.wait(tell, holding.signal).then((judged) => {
      if (!this.#asked.delete(holding)) {
        if (judged.allowed) judged.watch?.end({ error: 'the connection ended first' });
        return;
      }
      try {
        go(judged);
      } catch (error) {
        this.#options.onBroken(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #watch(channel: Channel, watch: Watch): void {
    channel.watch = watch;
    if (watch.filter === null) return;
    filterChannel(channel, watch.filter, this.#options);
  }

  /** The host does not: the client may ask for something else, as PuTTY's pscp for scp where there is no sftp. */
  #notStarted(channel: Channel): void {
    this.#over(channel, { error: 'the host refused' });
    channel.notStarted();
  }

  #ended(channel: Channel): void {
    if (channel.closedByClient && channel.closedByHost) this.#over(channel, {});
  }

  #over({ watch, filter, exit, bytesUp, bytesDown }: Channel, why: Readonly<Record<string, unknown>>): void {
    if (filter !== null) {
      const ended: Promise<void> = filter.end().then(() => void this.#ending.delete(ended));
      this.#ending.add(ended);
    }
    const kept = watch?.recorder?.end();
    watch?.end({ ...exit, ...why, ...kept, bytesUp, bytesDown });
  }
}

const CLOSED = 'the client closed the channel';
