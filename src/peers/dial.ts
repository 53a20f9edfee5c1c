/** Connections to other hosts: TLS 1.3, each side with a certificate of the fleet's. */
import { X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import type { Endpoint } from '../core/types.ts';
import { PeerConnection, PeerError } from './connection.ts';
import type { FleetConfig } from './messages.ts';
import { type Join, type Joined, PROTOCOL, type Request, TEXT_LIMIT } from './protocol.ts';
import { refusalOf } from './refusal.ts';

const DIAL_MS = 5_000;
const REFUSED_MS = 2_000;

export interface Dialed {
  /** With the other side's certificate verified, and its name. @throws PeerError */
  readonly connected: Promise<TLSSocket>;
  cancel(): void;
}

const CLIENT = { minVersion: 'TLSv1.3', ALPNProtocols: [PROTOCOL] } as const;

/** @param onSource our own end, once it is known */
export function dialMember(
  { ca, certificate, key }: FleetConfig,
  host: string,
  { address, port }: Endpoint,
  onSource: (source: Endpoint) => void,
): Dialed {
  // The names that are compared are host names of the fleet's, whatever the address. Whether they and the authority hold is
  // looked at below: the other side has taken this host's certificate by then, and is told why its own is not taken.
  const socket = connect({
    ...{ ...CLIENT, host: address, port, ca, cert: certificate, key, servername: host },
    rejectUnauthorized: false,
  });
  const where = `${address} port ${port}`;
  return {
    connected: secured(socket, where, onSource).then((secure) =>
      verified(secure, where, { ca, wanted: host }),
    ),
    cancel: () => socket.destroy(),
  };
}

/** @throws PeerError where its certificate is not of the fleet's, or of another host */
function verified(socket: TLSSocket, where: string, of: { ca: string; wanted: string }): TLSSocket {
  if (socket.authorized) return socket;
  const code = socket.authorizationError as unknown as string | undefined;
  const { why, clock, told } = refusalOf(code ?? 'it was not verified', socket.getPeerX509Certificate(), of);
  refuse(socket, told);
  throw new PeerError(`${where}: ${why}${clock}`);
}

/** Says why, and goes. What the other side sends is read until it has gone: a reset could overtake the words. */
export function refuse(socket: TLSSocket, reason: string): void {
  const request: Request = { method: 'refused', params: { reason: reason.slice(0, TEXT_LIMIT) } };
  const timer = setTimeout(() => socket.destroy(), REFUSED_MS);
  socket.on('error', () => {});
  socket.once('close', () => clearTimeout(timer));
  socket.resume();
  socket.end(`${JSON.stringify({ id: 1, ...request })}\n`);
}

/**
 * Asks for a certificate with an invitation.
 * @param fingerprint SHA-256 of the authority's certificate, in hexadecimal digits: the invitation has it
 * @returns the authority's certificate in PEM, and the answer
 * @throws PeerError
 */
export async function askToJoin(
  to: Endpoint,
  fingerprint: string,
  params: Join,
  onSource: (source: Endpoint) => void,
): Promise<{ ca: string; joined: Joined }> {
  const ca = await authorityOf(to, fingerprint, onSource);
  const where = `${to.address} port ${to.port}`;
  // Which member answers is not known yet: that the fleet's authority vouches for it is enough.
  const socket = connect({
    ...{ ...CLIENT, host: to.address, port: to.port, ca },
    checkServerIdentity: () => undefined,
  });
  const connection = new PeerConnection(await secured(socket, where, onSource), {
    answer: async () => {
      throw new PeerError('not in the fleet yet');
    },
    onClose: () => {},
  });
  try {
    return { ca, joined: await connection.ask('join', params) };
  } finally {
    connection.close(null);
  }
}

/** What is read here is believed for its fingerprint alone; the connection that follows verifies by it. */
async function authorityOf(
  to: Endpoint,
  fingerprint: string,
  onSource: (source: Endpoint) => void,
): Promise<string> {
  const socket = connect({ ...CLIENT, host: to.address, port: to.port, rejectUnauthorized: false });
  const where = `${to.address} port ${to.port}`;
  await secured(socket, where, onSource);
  const found: X509Certificate[] = [];
  for (
    let at = socket.getPeerX509Certificate();
    at !== undefined && found.length < 4;
    at = at.issuerCertificate
  )
    found.push(at);
  socket.destroy();
  const wanted = found.find((one) => one.fingerprint256.replaceAll(':', '').toLowerCase() === fingerprint);
  if (wanted === undefined)
    throw new PeerError(`${where} is not of the fleet that the invitation is for: its authority is another`);
  return new X509Certificate(wanted.raw).toString();
}

function secured(socket: TLSSocket, where: string, onSource: (source: Endpoint) => void): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const failed = (why: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new PeerError(why));
    };
    const onError = (error: NodeJS.ErrnoException): void => failed(`${where}: ${explained(error)}`);
    const onClose = (): void => failed(`${where} closed the connection`);
    const timer = setTimeout(() => failed(`${where} did not answer within ${DIAL_MS / 1000} s`), DIAL_MS);
    socket.once('error', onError);
    socket.once('close', onClose);
    setImmediate(() => {
      const { localAddress: address, localPort: port } = socket;
      if (address !== undefined && port !== undefined) onSource({ address, port });
    });
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', onError);
      socket.off('close', onClose);
      if (socket.alpnProtocol === PROTOCOL) return resolve(socket);
      socket.destroy();
      reject(new PeerError(`${where} does not speak ${PROTOCOL}`));
    });
  });
}

function explained(error: NodeJS.ErrnoException): string {
  return error.code === 'ECONNREFUSED' ? 'nothing listens there' : error.message;
}
