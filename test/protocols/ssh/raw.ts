/** A client that says what it is told to: for what OpenSSH's never would. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WireWriter } from '../../../src/core/ssh-wire.ts';
import { Message } from '../../../src/protocols/ssh/numbers.ts';
import { HOST_KEYS, serverOffer } from '../../../src/protocols/ssh/transport/algorithms.ts';
import { Transport } from '../../../src/protocols/ssh/transport/transport.ts';
import { until } from '../../until.ts';
import { sending } from './sending.ts';

export interface Raw {
  readonly socket: Socket;
  readonly transport: Transport;
  readonly messages: Buffer[];
  /** The server's SSH_MSG_DISCONNECT. */
  readonly said: string[];
  send(...payloads: Buffer[]): void;
  /** Every packet from here on has a wrong last byte. */
  corrupt(): void;
  /** The next message of this kind, which is taken away. */
  next(type: number): Promise<Buffer>;
}

/** Through the key exchange and, unless `none` is false, authentication. */
export async function rawClient(port: number, none = true, cipher: string | null = null): Promise<Raw> {
  const socket = connect(port, '127.0.0.1');
  const [messages, said]: [Buffer[], string[]] = [[], []];
  let [keys, corrupt] = [false, false];
  const wire = sending(socket);
  const transport = new Transport({
    role: 'client',
    offer: cipher === null ? serverOffer(HOST_KEYS) : { ...serverOffer(HOST_KEYS), cipher: [cipher] },
    room: (length) => {
      // When it is filled, and before it is written.
      if (corrupt) process.nextTick(() => bytes.writeUInt8(bytes.readUInt8(length - 1) ^ 1, length - 1));
      const bytes = wire.room(length);
      return bytes;
    },
    onMessage: (payload) => void messages.push(Buffer.from(payload)),
    onKeys: () => {
      keys = true;
    },
    onDisconnect: (reason, description) => void said.push(`${reason} ${description}`),
    onError: () => {},
  });
  socket.on('data', (chunk) => transport.receive(chunk));
  socket.on('error', () => {});
  socket.on('close', () => said.push('closed'));
  await once(socket, 'connect');
  transport.start();
  await until(() => keys, 'keys');
  const raw: Raw = {
    ...{ socket, transport, messages, said },
    corrupt: () => {
      corrupt = true;
    },
    send: (...payloads) => {
      for (const payload of payloads) transport.send(payload);
    },
    next: (type) =>
      until(
        () => {
          const at = messages.findIndex((payload) => payload[0] === type);
          return at < 0 ? null : messages.splice(at, 1)[0];
        },
        `message ${type}; there are ${messages.map(([first]) => first)}`,
      ),
  };
  if (!none) return raw;
  raw.send(service('ssh-userauth'));
  await raw.next(Message.SERVICE_ACCEPT);
  raw.send(request('none'));
  await raw.next(Message.USERAUTH_SUCCESS);
  return raw;
}

export const service = (name: string): Buffer =>
  new WireWriter().byte(Message.SERVICE_REQUEST).string(name).bytes();

export const request = (method: string, user = 'root'): Buffer =>
  new WireWriter()
    .byte(Message.USERAUTH_REQUEST)
    .string(user)
    .string('ssh-connection')
    .string(method)
    .bytes();

export const open = (
  sender: number,
  window = 2 ** 21,
  type = 'session',
  data: Buffer = Buffer.alloc(0),
): Buffer =>
  new WireWriter()
    .byte(Message.CHANNEL_OPEN)
    .string(type)
    .uint32(sender)
    .uint32(window)
    .uint32(32_768)
    .raw(data)
    .bytes();

export const exec = (recipient: number, command: string): Buffer =>
  new WireWriter()
    .byte(Message.CHANNEL_REQUEST)
    .uint32(recipient)
    .string('exec')
    .boolean(true)
    .string(command)
    .bytes();
