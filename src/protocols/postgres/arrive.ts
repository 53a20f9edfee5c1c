/** The client's side of the startup: TLS where it asks for it and the server has it too, until it says who it is. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { MintedContexts } from '../../tls/minted-contexts.ts';
import { acceptTls } from '../../tls/upgrade.ts';
import { once } from '../once.ts';
import type { Session } from '../room.ts';
import { EncryptionAnswer } from './messages.ts';
import type { Reached } from './reach.ts';
import { type Arrival, StartupReader } from './startup.ts';

const NONE = Buffer.of(EncryptionAnswer.none);
const SSL = Buffer.of(EncryptionAnswer.SSL);
/** Of direct negotiation (PostgreSQL 18 manual, 54.2.10). */
const ALPN = 'postgresql';
/**
 * Bytes in a TLS record at most: what the server's own records hold (PQ_SEND_BUFFER_SIZE in pqcomm.c). libpq reads as much
 * at a time, and leaves the rest of a longer record with OpenSSL; a program that waits for the socket by itself, as
 * psycopg does, then waits for what has arrived already (PQconsumeInput in libpq up to 18).
 */
const RECORD = 8192;

/** Of this worker: whichever hop asks, the supervisor answers the same. */
let contexts: MintedContexts | null = null;

export interface Arrived extends Arrival {
  /** What to speak on: the client's socket, or TLS over it. */
  readonly stream: Socket;
  readonly tls: boolean;
}

/**
 * Reads up to the packet that ends the startup; the stream is paused then. TLS is offered where the server has it: a
 * client that insists on it is to be encrypted all the way, or told that it cannot be.
 * @param reach connects to the server, once
 * @returns null where the client went away before
 * @throws ProtocolError, TlsError, whatever `reach` and `session.certificate` throw
 */
export async function arrive(session: Session, reach: () => Promise<Reached>): Promise<Arrived | null> {
  const { client, destination } = session;
  contexts ??= new MintedContexts({ ask: ({ names }) => session.certificate(names) });
  const context = contexts.for(destination.address);
  let stream: Socket = client;
  let reader = new StartupReader(false);
  for (;;) {
    const chunk = await once(stream);
    if (chunk === null) return null;
    const arrival = reader.push(chunk);
    if (arrival === null) continue;
    const tls = stream !== client;
    switch (arrival.packet.name) {
      case 'GSSENCRequest':
        stream.write(NONE);
        continue;
      case 'SSLRequest':
        if ((await reach()).tls === null) {
          stream.write(NONE);
          continue;
        }
        stream.write(SSL);
        stream = inRecords((await acceptTls(client, null, context)).stream);
        break;
      case 'DirectSSL':
        await reach();
        stream = inRecords(
          (await acceptTls(client, arrival.rest, context, { alpn: [ALPN], alpnRequired: true })).stream,
        );
        break;
      default:
        return { ...arrival, stream, tls };
    }
    stream.on('error', () => {});
    reader = new StartupReader(true);
  }
}

function inRecords(stream: TLSSocket): TLSSocket {
  if (!stream.setMaxSendFragment(RECORD)) throw new Error(`TLS records cannot be limited to ${RECORD} bytes`);
  return stream;
}
