/** The messages of the connection protocol (RFC 4254) that are read or made here; all others pass as they are. */
import { WireReader, WireWriter } from '../../../core/ssh-wire.ts';
import { Message, STDERR } from '../numbers.ts';

/** SSH_MSG_CHANNEL_OPEN. */
export interface ChannelOpen {
  readonly type: string;
  readonly sender: number;
  readonly window: number;
  readonly maximumPacket: number;
  /** Of the type's own; a view. */
  readonly data: Buffer;
}

/** SSH_MSG_CHANNEL_REQUEST, or SSH_MSG_GLOBAL_REQUEST. */
export interface Request {
  readonly type: string;
  readonly wantReply: boolean;
  /** Of the type's own; a view. */
  readonly data: Buffer;
}

/** Bytes before the data of SSH_MSG_CHANNEL_DATA, and of SSH_MSG_CHANNEL_EXTENDED_DATA. */
export const DATA_AT = 9;
export const EXTENDED_DATA_AT = 13;
/** Bytes of data in one message: OpenSSH's own channels have this size, and a record of a recording has room for it. */
export const MAXIMUM_PACKET = 32 * 1024;

/** A channel's number at the receiver: in every message about a channel but the one that opens it. */
export function recipientOf(payload: Buffer): number {
  return payload.readUInt32BE(1);
}

/** @throws WireError */
export function decodeOpen(payload: Buffer): ChannelOpen {
  const reader = new WireReader(payload, 1);
  const [type, sender, window] = [reader.string().toString('latin1'), reader.uint32(), reader.uint32()];
  return { type, sender, window, maximumPacket: reader.uint32(), data: reader.rest() };
}

export function encodeOpen({ type, sender, window, maximumPacket, data }: ChannelOpen): Buffer {
  const head = new WireWriter().byte(Message.CHANNEL_OPEN).string(type).uint32(sender);
  return head.uint32(window).uint32(maximumPacket).raw(data).bytes();
}

/** SSH_MSG_CHANNEL_OPEN_CONFIRMATION. @throws WireError */
export function decodeConfirmation(payload: Buffer): Omit<ChannelOpen, 'type'> {
  const reader = new WireReader(payload, 5);
  const [sender, window, maximumPacket] = [reader.uint32(), reader.uint32(), reader.uint32()];
  return { sender, window, maximumPacket, data: reader.rest() };
}

export function encodeConfirmation(
  recipient: number,
  { sender, window, maximumPacket, data }: Omit<ChannelOpen, 'type'>,
): Buffer {
  const head = new WireWriter().byte(Message.CHANNEL_OPEN_CONFIRMATION).uint32(recipient).uint32(sender);
  return head.uint32(window).uint32(maximumPacket).raw(data).bytes();
}

export function encodeOpenFailure(recipient: number, reason: number, description: string): Buffer {
  const head = new WireWriter().byte(Message.CHANNEL_OPEN_FAILURE).uint32(recipient);
  return head.uint32(reason).string(description).string('').bytes();
}

/** @param at behind the message's number and, of a channel's, the recipient. @throws WireError */
export function decodeRequest(payload: Buffer, at: number): Request {
  const reader = new WireReader(payload, at);
  const [type, wantReply] = [reader.string().toString('latin1'), reader.boolean()];
  return { type, wantReply, data: reader.rest() };
}

export function encodeChannel(message: number, recipient: number): Buffer {
  return new WireWriter().byte(message).uint32(recipient).bytes();
}

export function encodeWindowAdjust(recipient: number, bytes: number): Buffer {
  return new WireWriter().byte(Message.CHANNEL_WINDOW_ADJUST).uint32(recipient).uint32(bytes).bytes();
}

export function encodeData(recipient: number, data: Buffer): Buffer {
  return new WireWriter().byte(Message.CHANNEL_DATA).uint32(recipient).string(data).bytes();
}

const scratch = Buffer.allocUnsafeSlow(DATA_AT + MAXIMUM_PACKET);

/** @param data MAXIMUM_PACKET bytes at most. @returns SSH_MSG_CHANNEL_DATA, good until the next is asked for */
export function briefData(recipient: number, data: Buffer): Buffer {
  scratch[0] = Message.CHANNEL_DATA;
  scratch.writeUInt32BE(recipient, 1);
  scratch.writeUInt32BE(data.length, 5);
  data.copy(scratch, DATA_AT);
  return scratch.subarray(0, DATA_AT + data.length);
}

export function encodeStderr(recipient: number, data: Buffer): Buffer {
  const head = new WireWriter().byte(Message.CHANNEL_EXTENDED_DATA).uint32(recipient).uint32(STDERR);
  return head.string(data).bytes();
}

/** SSH_MSG_DEBUG, to be shown: what is of no channel has no stderr. OpenSSH shows it with `-v`. */
export function encodeDebug(text: string): Buffer {
  return new WireWriter().byte(Message.DEBUG).boolean(true).string(text).string('').bytes();
}

export function encodeExitStatus(recipient: number, status: number): Buffer {
  const head = new WireWriter().byte(Message.CHANNEL_REQUEST).uint32(recipient).string('exit-status');
  return head.boolean(false).uint32(status).bytes();
}
