/** A client that may not connect is told so in SSH's words, before there are keys: it shows them and gives up. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { WireWriter } from '../../core/ssh-wire.ts';
import { Disconnect, Message } from './numbers.ts';
import { IDENT } from './transport/ident.ts';

/** Who was told gets so long to take it. */
const TAKING_MS = 3_000;
/** RFC 4253 section 6: without a cipher a packet is a multiple of this long, with at least 4 bytes of padding. */
const [BLOCK, LEAST_PADDING] = [8, 4];

/** As `ProtocolRoom.refuse` says. */
export async function refuse(client: Socket, reason: string): Promise<void> {
  const timer = setTimeout(() => client.destroy(), TAKING_MS);
  // What it says meanwhile is read: closing over unread bytes would take ours away from it.
  client.resume();
  client.end(Buffer.concat([Buffer.from(`${IDENT}\r\n`), packet(farewell(`Hopline: ${reason}`))]));
  await once(client, 'close').catch(() => {});
  clearTimeout(timer);
}

function farewell(text: string): Buffer {
  const { HOST_NOT_ALLOWED_TO_CONNECT: number } = Disconnect;
  return new WireWriter().byte(Message.DISCONNECT).uint32(number).string(text).string('').bytes();
}

function packet(payload: Buffer): Buffer {
  const bare = 4 + 1 + payload.length + LEAST_PADDING;
  const padding = LEAST_PADDING + ((BLOCK - (bare % BLOCK)) % BLOCK);
  return new WireWriter()
    .uint32(1 + payload.length + padding)
    .byte(padding)
    .raw(payload)
    .raw(Buffer.alloc(padding))
    .bytes();
}
