/** The way to the server: the connection, and TLS on it as the target's settings say. */
import type { Socket } from 'node:net';
import { reset } from '../../core/reset.ts';
import { type ClientTls, clientOptions } from '../../tls/contexts.ts';
import { connectTls, type ServerLeg } from '../../tls/upgrade.ts';
import { once } from '../once.ts';
import type { Session } from '../room.ts';
import { encode } from './encode.ts';
import { EncryptionAnswer } from './messages.ts';
import { sslRequest } from './startup.ts';

export interface Reached {
  /** The connection itself: to be reset by. */
  readonly socket: Socket;
  /** What to speak on; nothing has been read. */
  readonly stream: Socket;
  readonly tls: ServerLeg | null;
}

/** The server cannot be spoken to as the target's settings want it. */
export class ReachError extends Error {
  override readonly name = 'ReachError';
}

/** @throws ReachError, TlsError: what a person is to read */
export async function reach(session: Session): Promise<Reached> {
  const { destination, target, tls } = session;
  const where = `${target ?? destination.address} port ${destination.port}`;
  let socket: Socket;
  try {
    socket = await session.dial();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ReachError(`${where} was not reached: ${why}`, { cause: error });
  }
  socket.on('error', () => {});
  const options = clientOptions(tls, { name: null, address: destination.address });
  if (options === null) return { socket, stream: socket, tls: null };
  socket.write(encode(sslRequest));
  const answer = await once(socket);
  if (answer === null) throw new ReachError(`${where} closed the connection before it answered`);
  if (answer[0] === EncryptionAnswer.SSL && answer.length === 1) return upgraded(socket, options);
  if (answer[0] === EncryptionAnswer.none && answer.length === 1 && tls.mode === 'prefer')
    return { socket, stream: socket, tls: null };
  reset(socket);
  throw new ReachError(
    answer[0] === EncryptionAnswer.none
      ? `${where} does not support TLS, which this target requires (${tls.mode})`
      : `${where} does not speak PostgreSQL`,
  );
}

async function upgraded(socket: Socket, options: ClientTls): Promise<Reached> {
  const leg = await connectTls(socket, options);
  leg.stream.on('error', () => {});
  return { socket, stream: leg.stream, tls: leg };
}
