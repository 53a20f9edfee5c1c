/**
 * A TCP pipe to a server that reads along. What goes on is what a framer hands over, forwarded, whole and in pieces
 * by turns; a second one keeps every message, which is decoded and written again.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { decodeBackend, decodeFrontend } from '../../../src/protocols/postgres/decode.ts';
import { type Disposition, type FrameHandler, Framer } from '../../../src/protocols/postgres/frame.ts';
import { backendLimits, frontendLimits, type Limits } from '../../../src/protocols/postgres/limits.ts';
import type {
  AuthenticationType,
  BackendMessage,
  FrontendMessage,
  StartupPacket,
} from '../../../src/protocols/postgres/messages.ts';
import { AuthenticationCode } from '../../../src/protocols/postgres/messages.ts';
import { StartupReader } from '../../../src/protocols/postgres/startup.ts';
import { clientEncoding, UTF8 } from '../../../src/protocols/postgres/text.ts';
import { writtenBackend, writtenFrontend, writtenStartup } from './wire.ts';

const FRONTEND = frontendLimits();
const BACKEND = backendLimits();
const WAYS: readonly Disposition[] = ['forward', 'whole', 'forward', 'stream'];

export interface Seen {
  readonly connection: number;
  readonly from: 'client' | 'server';
  readonly message: StartupPacket | FrontendMessage | BackendMessage;
  readonly bytes: Buffer;
}

export interface Pipe extends AsyncDisposable {
  readonly port: number;
  /** In the order of arrival, by connection and direction. */
  readonly seen: Seen[];
  /** What did not decode, and what was not the same when written again. */
  readonly wrong: string[];
  /** The names of the messages seen so far. */
  names(): Set<string>;
}

class Passing implements FrameHandler {
  #index = 0;
  readonly #to: Socket;

  constructor(to: Socket) {
    this.#to = to;
  }

  begin(): Disposition {
    this.#index += 1;
    return WAYS[this.#index % WAYS.length] ?? 'forward';
  }

  forward(bytes: Buffer): void {
    this.#to.write(bytes);
  }

  whole(_type: number, message: Buffer): void {
    this.#to.write(message);
  }

  piece(_type: number, bytes: Buffer): void {
    this.#to.write(bytes);
  }
}

/** Calls `told` with each message, a copy. */
function listener(limits: Limits, told: (message: Buffer) => void): Framer {
  const handler: FrameHandler = {
    begin: () => 'whole',
    forward: () => {},
    whole: (_type, message) => told(Buffer.from(message)),
    piece: () => {},
  };
  return new Framer(handler, limits);
}

export async function openPipe(path: string): Promise<Pipe> {
  const seen: Seen[] = [];
  const wrong: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;

  function carry(client: Socket): void {
    const connection = connections++;
    const server = connect(path);
    client.setNoDelay(true);
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    let asked: AuthenticationType | null = null;
    let encoding = UTF8;
    let answers = 0;
    let starting: StartupReader | null = new StartupReader(false);
    const note = (
      from: Seen['from'],
      bytes: Buffer,
      decode: () => Seen['message'],
      write: (message: never) => Buffer,
    ) => {
      try {
        const message = decode();
        seen.push({ connection, from, message, bytes });
        if (!write(message as never).equals(bytes)) wrong.push(`${message.name} ${bytes.toString('hex')}`);
        return message;
      } catch (error) {
        wrong.push(`${error} in ${bytes.toString('hex')}`);
        return null;
      }
    };
    const up = new Framer(new Passing(server), FRONTEND);
    const down = new Framer(new Passing(client), BACKEND);
    const upListener = listener(FRONTEND, (bytes) => {
      note('client', bytes, () => decodeFrontend(bytes, asked, encoding), writtenFrontend);
    });
    const downListener = listener(BACKEND, (bytes) => {
      const message = note('server', bytes, () => decodeBackend(bytes), writtenBackend);
      if (message !== null && message.name in AuthenticationCode) asked = message.name as AuthenticationType;
      if (message?.name === 'ParameterStatus' && message.parameter === 'client_encoding')
        encoding = clientEncoding(message.value.toString());
    });
    const guarded = (what: () => void): void => {
      try {
        what();
      } catch (error) {
        wrong.push(String(error));
        client.destroy();
      }
    };
    client.on('data', (chunk: Buffer) =>
      guarded(() => {
        let rest = chunk;
        if (starting !== null) {
          const arrival = starting.push(chunk);
          if (arrival === null) return;
          note('client', arrival.bytes, () => arrival.packet, writtenStartup);
          if (arrival.packet.name.endsWith('Request') && arrival.packet.name !== 'CancelRequest')
            answers += 1;
          else starting = null;
          server.write(arrival.bytes);
          rest = arrival.rest;
        }
        upListener.push(rest);
        up.push(rest);
      }),
    );
    server.on('data', (chunk: Buffer) =>
      guarded(() => {
        let rest = chunk;
        if (answers > 0) {
          answers -= 1;
          client.write(chunk.subarray(0, 1));
          rest = chunk.subarray(1);
        }
        downListener.push(rest);
        down.push(rest);
      }),
    );
    client.on('end', () => server.end());
    server.on('end', () => client.end());
  }

  const listening = createServer({ allowHalfOpen: true }, carry).listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return {
    port: (listening.address() as AddressInfo).port,
    seen,
    wrong,
    names: () => new Set(seen.map(({ message }) => message.name)),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      listening.close();
      await once(listening, 'close');
    },
  };
}
