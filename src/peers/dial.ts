/** Connections to other hosts: TLS 1.3, each side with a certificate of the fleet's. */
import { X509Certificate } from 'node:crypto';
import { connect, type TLSSocket } from 'node:tls';
import type { Endpoint } from '../core/types.ts';
import { PeerConnection, PeerError } from './connection.ts';
import type { FleetConfig } from './messages.ts';
import { type Join, type Joined, PROTOCOL } from './protocol.ts';

const DIAL_MS = 5_000;

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
  // The names that are compared are host names of the fleet's, whatever the address.
  const socket = connect({ ...CLIENT, host: address, port, ca, cert: certificate, key, servername: host });
  return { connected: secured(socket, `${address} port ${port}`, onSource), cancel: () => socket.destroy() };
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

/** What OpenSSL says of a certificate, with what to do about it. */
export function explained(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'CERT_NOT_YET_VALID':
      return 'its certificate is not valid yet: a clock is wrong, there or here';
    case 'CERT_HAS_EXPIRED':
      return 'its certificate has ended: a clock is wrong, or it has to join again';
    case 'ECONNREFUSED':
      return 'nothing listens there';
    default:
      return error.message;
  }
}
