/** A connection that is written to by our own encoders, with no client library between. */
import { connect, type Socket } from 'node:net';
import { decodeBackend } from '../../../src/protocols/postgres/decode.ts';
import { Framer } from '../../../src/protocols/postgres/frame.ts';
import { backendLimits } from '../../../src/protocols/postgres/limits.ts';
import type { BackendMessage } from '../../../src/protocols/postgres/messages.ts';
import { startupMessage } from '../../../src/protocols/postgres/startup.ts';
import { Writer } from '../../../src/protocols/postgres/writer.ts';

export interface Raw {
  readonly socket: Socket;
  send(write: (out: Writer) => void): void;
  /** What came until a message of this name, which is the last. Rejects where the connection ends before. */
  until(name: string): Promise<BackendMessage[]>;
}

/** The names of messages, in one line. */
export function sum(messages: readonly BackendMessage[]): string {
  return messages.map(({ name }) => name).join(' ');
}

/**
 * Logs in as `free`, with these parameters besides.
 * @param to a port of this host, or the path of a socket
 */
export function openRaw(
  to: number | string,
  version: number,
  parameters: { name: string; value: string }[],
): Raw {
  const socket = typeof to === 'number' ? connect(to, '127.0.0.1') : connect(to);
  const got: BackendMessage[] = [];
  let wake = (): void => {};
  const framer = new Framer(
    {
      begin: () => 'whole',
      forward: () => {},
      whole: (_type, message) => got.push(decodeBackend(Buffer.from(message))),
      piece: () => {},
    },
    backendLimits(),
  );
  socket.on('data', (chunk: Buffer) => {
    framer.push(chunk);
    wake();
  });
  socket.on('close', () => wake());
  const send = (write: (out: Writer) => void): void => {
    const out = new Writer();
    write(out);
    socket.write(out.take());
  };
  const until = async (name: string): Promise<BackendMessage[]> => {
    for (;;) {
      const at = got.findIndex((message) => message.name === name);
      if (at >= 0) return got.splice(0, at + 1);
      if (socket.destroyed) throw new Error(`closed after ${sum(got)}`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  send((out) => startupMessage(out, version, [{ name: 'user', value: 'free' }, ...parameters]));
  return { socket, send, until };
}
