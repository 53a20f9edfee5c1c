/** A refused command or shell, as a program that says why and fails: the connection lives. */
import { Message } from '../numbers.ts';
import type { Channel } from './channel.ts';
import { encodeChannel, encodeExitStatus, encodeStderr } from './messages.ts';

/** What shells exit with where a command was found and may not be executed. */
export const DENIED_STATUS = 126;
const LONGEST = 8 * 1024;

interface Ends {
  toClient(payload: Buffer): void;
  toHost(payload: Buffer): void;
}

/** Closes the channel towards both ends. @param channel confirmed, nothing started in it */
export function refuseStart(
  channel: Channel,
  wantReply: boolean,
  message: string,
  { toClient, toHost }: Ends,
): void {
  const { client, host } = channel;
  if (client === null || host === null) return;
  const text = Buffer.from(`Hopline: ${message.slice(0, LONGEST)}${channel.pty ? '\r\n' : '\n'}`);
  const ours = [
    ...(wantReply ? [encodeChannel(Message.CHANNEL_SUCCESS, client)] : []),
    // Without a reserve the window is too small to speak of.
    ...(channel.reserve >= text.length ? [encodeStderr(client, text)] : []),
    encodeExitStatus(client, DENIED_STATUS),
    encodeChannel(Message.CHANNEL_EOF, client),
    encodeChannel(Message.CHANNEL_CLOSE, client),
  ];
  for (const payload of ours) toClient(payload);
  toHost(encodeChannel(Message.CHANNEL_CLOSE, host));
}
