/** A channel whose protocol is read: what the client sends goes through a filter in place of passing. */
import { tooMany } from './broken.ts';
import type { Channel } from './channel.ts';
import { Interjections } from './interject.ts';
import { briefData, encodeWindowAdjust } from './messages.ts';
import type { Filter, FilterEnds } from './watch.ts';

interface Ends {
  toClient(payload: Buffer): void;
  toHost(payload: Buffer): void;
  onBroken(error: Error): void;
}

export function filterChannel(
  channel: Channel,
  filter: (ends: FilterEnds) => Filter,
  { toClient, toHost, onBroken }: Ends,
): void {
  const interjections = new Interjections(channel, toClient);
  channel.interjections = interjections;
  channel.filter = filter({
    toHost: (data) => {
      const { host, hostMaximumPacket: most } = channel;
      if (host === null || most === 0) return;
      for (let at = 0; at < data.length; at += most) toHost(briefData(host, data.subarray(at, at + most)));
    },
    interject: (data, ready) => {
      if (!interjections.data(data, ready)) throw tooMany();
    },
    stderr: (text) => interjections.stderr(text),
    flush: () => interjections.flush(),
    credit: (bytes) => {
      if (channel.client !== null) toClient(encodeWindowAdjust(channel.client, bytes));
    },
    broken: onBroken,
  });
}
