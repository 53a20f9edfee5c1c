/** One channel, as both ends know it. Its numbers are theirs: messages pass with the number that they came with. */

import type { Interjections } from './interject.ts';
import { DATA_AT } from './messages.ts';
import { Replies } from './replies.ts';
import type { Filter, Watch } from './watch.ts';

export class Channel {
  readonly type: string;
  readonly openedBy: 'client' | 'host';
  /** Null until the other end has confirmed. */
  client: number | null;
  host: number | null;
  /** A person is asked whether it may be opened: the other end does not know of it. */
  waits = false;
  closedByClient = false;
  closedByHost = false;
  /** The host sends nothing more, but for the program's exit and CLOSE. */
  eofByHost = false;
  /** The client's requests in it. */
  readonly replies: Replies;
  /** A pseudo terminal was asked for. */
  pty = false;
  /** Its command or shell was asked for: there is one to a channel. */
  started = false;
  /** What is done in it, where that is something to record. */
  watch: Watch | null = null;
  /** In the place of `watch.filter`. */
  filter: Filter | null = null;
  interjections: Interjections | null = null;
  /** What the host takes in one message. */
  hostMaximumPacket = 0;
  /** Bytes of data from the client, and from the host. */
  bytesUp = 0;
  bytesDown = 0;
  /** How its program ended, as the host says. */
  exit: Readonly<Record<string, unknown>> = {};
  /**
   * Window of the client that the host does not know of: what is said here, in place of the host, is charged to it.
   * Bytes.
   */
  reserve = 0;
  reserveFull = 0;

  constructor(
    type: string,
    openedBy: 'client' | 'host',
    number: number,
    toClient: (payload: Buffer) => void,
  ) {
    this.type = type;
    this.openedBy = openedBy;
    this.client = openedBy === 'client' ? number : null;
    this.host = openedBy === 'host' ? number : null;
    this.replies = new Replies(toClient);
  }

  /** @param at where the data begins in CHANNEL_DATA or CHANNEL_EXTENDED_DATA */
  passes(payload: Buffer, at: number, from: 'client' | 'host'): void {
    if (from === 'client') this.bytesUp += payload.length - at;
    else this.bytesDown += payload.length - at;
    const recorder = this.watch?.recorder ?? null;
    if (recorder === null) return;
    if (from === 'client') recorder.input(payload.subarray(at));
    else recorder.output(payload.subarray(at), at === DATA_AT ? 'stdout' : 'stderr');
  }

  /** What was asked for is over before it began. */
  notStarted(): void {
    this.started = false;
    this.watch = null;
    this.filter = null;
    this.interjections = null;
  }

  /** Its program has ended, and all that it said has come. */
  get complete(): boolean {
    return this.eofByHost && Object.keys(this.exit).length > 0;
  }
}
