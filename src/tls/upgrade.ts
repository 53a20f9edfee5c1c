/**
 * From a TCP connection to TLS on it, in either role. The stream that comes out is half-open as TCP is: `end()` sends
 * close_notify and a FIN, and what the other side still has to say is read to its end (TLS 1.3 wants it so, RFC 8446
 * section 6.1; OpenSSL does it in TLS 1.2 too, against RFC 5246). A peer that ends without close_notify looks like one with:
 * where truncation matters, the protocol above has to notice. To reset the connection, `reset` the TCP socket.
 */
import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { checkServerIdentity, connect, type SecureContext, TLSSocket } from 'node:tls';
import { writesTo } from '../core/reset.ts';
import type { ClientTls } from './contexts.ts';
import {
  closedEarly,
  explainChain,
  explainHandshake,
  explainName,
  type Peer,
  TlsError,
  timedOut,
} from './explain.ts';

export interface TlsLeg {
  /** Nothing has been read from it; half-open allowed. */
  readonly stream: TLSSocket;
  /** `TLSv1.3`. */
  readonly protocol: string;
  /** IANA's name of the cipher suite. */
  readonly cipher: string;
  readonly alpn: string | null;
  /** What the client asked for, resp. what we asked for. */
  readonly serverName: string | null;
}

export interface ServerLeg extends TlsLeg {
  /** What is known of the server: `full` chain and name, `ca` the chain, `none` nothing. */
  readonly verified: 'full' | 'ca' | 'none';
  /** DER of the server's certificate: what channel binding is made of (RFC 5929 section 4). */
  readonly certificateDer: Buffer;
  readonly fingerprint: string;
}

/** Called with null where the client has not said a name, and for the default before it has; then with what it said. */
export type ContextFor = (serverName: string | null) => Promise<SecureContext>;

export interface AcceptOptions {
  /** Protocols that the server side takes. A client that offers only others is refused, one that offers none is not. */
  readonly alpn?: readonly string[];
  /** Direct TLS: refuse a client that has not chosen one of `alpn`. */
  readonly alpnRequired?: boolean;
  readonly timeoutMs?: number;
}

export interface ConnectOptions {
  readonly alpn?: readonly string[];
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

/**
 * The server's part of the handshake.
 * @param socket connected, paused, half-open allowed. It belongs to the stream from now on; destroyed where this fails
 * @param first bytes that were read already, put back before the handshake
 * @throws TlsError; whatever `context` throws
 */
export async function acceptTls(
  socket: Socket,
  first: Buffer | null,
  context: SecureContext | ContextFor,
  options: AcceptOptions = {},
): Promise<TlsLeg> {
  const { alpn = [], alpnRequired = false, timeoutMs = TIMEOUT_MS } = options;
  let refused: unknown = null;
  const swallow = () => {};
  socket.on('error', swallow);
  try {
    const secureContext = typeof context === 'function' ? await context(null) : context;
    if (socket.destroyed) throw closedEarly('client');
    if (first !== null && first.length > 0) socket.unshift(first);
    const stream = new TLSSocket(socket, {
      isServer: true,
      secureContext,
      ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
      ...(typeof context !== 'function'
        ? {}
        : {
            SNICallback: (name: string, done: (error: Error | null, context?: SecureContext) => void) =>
              context(name).then(
                (found) => done(null, found),
                (error: unknown) => {
                  refused = error;
                  done(new Error('no certificate'));
                },
              ),
          }),
    });
    writesTo(socket, stream);
    await handshake(stream, 'secure', 'client', timeoutMs);
    const leg = legOf(stream, typeof stream.servername === 'string' ? stream.servername : null);
    if (alpnRequired && leg.alpn === null)
      throw new TlsError(
        'alpn',
        'client',
        `the client did not say that it speaks ${alpn.join(' or ')} (ALPN)`,
      );
    return leg;
  } catch (error) {
    socket.destroy();
    throw refused ?? error;
  } finally {
    socket.off('error', swallow);
  }
}

/**
 * The client's part of the handshake, and what the target's settings say about the server's certificate.
 * @param socket connected, paused, half-open allowed; nothing read that has not been used. Destroyed where this fails
 * @throws TlsError
 */
export async function connectTls(
  socket: Socket,
  target: ClientTls,
  options: ConnectOptions = {},
): Promise<ServerLeg> {
  const { alpn = [], timeoutMs = TIMEOUT_MS } = options;
  const swallow = () => {};
  socket.on('error', swallow);
  try {
    if (socket.destroyed) throw closedEarly('server');
    // Threat: plaintext put in front of the handshake by somebody on the way, taken later for part of it (CVE-2021-23222).
    if (socket.readableLength > 0)
      throw new TlsError('plaintext', 'server', 'the server sent bytes before the TLS handshake');
    const stream = connect({
      ...target.options,
      socket,
      // Verified below, where the certificate is at hand and the refusal can say what is wrong with it.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
      ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
    });
    writesTo(socket, stream);
    await handshake(stream, 'secureConnect', 'server', timeoutMs);
    const certificate = stream.getPeerX509Certificate();
    if (certificate === undefined) throw new TlsError('untrusted', 'server', 'the server has no certificate');
    const verified = verify(stream, certificate, target);
    const { servername } = target.options;
    return {
      ...legOf(stream, servername === undefined || servername === '' ? null : servername),
      verified,
      certificateDer: certificate.raw,
      fingerprint: certificate.fingerprint256,
    };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    socket.off('error', swallow);
  }
}

function verify(stream: TLSSocket, certificate: X509Certificate, target: ClientTls): ServerLeg['verified'] {
  if (target.mode === 'prefer' || target.mode === 'require') return 'none';
  if (!stream.authorized) {
    const code = String(stream.authorizationError ?? 'UNSPECIFIED');
    throw explainChain(code, certificate, target.authority);
  }
  if (target.mode === 'verify-ca') return 'ca';
  // Not getPeerCertificate(): Node 24 has none left to give once getPeerX509Certificate() was called.
  if (checkServerIdentity(target.expected, certificate.toLegacyObject()) !== undefined)
    throw explainName(target.expected, certificate);
  return 'full';
}

function handshake(stream: TLSSocket, done: 'secure' | 'secureConnect', peer: Peer, timeoutMs: number) {
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => settle(timedOut(peer, timeoutMs)), timeoutMs);
    const onError = (error: Error) => settle(explainHandshake(peer, error));
    const onClose = () => settle(closedEarly(peer));
    const onDone = () => settle(null);
    let settled = false;
    function settle(error: TlsError | null): void {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      stream.off(done, onDone).off('end', onClose).off('close', onClose).off('_tlsError', onError);
      if (error === null) {
        stream.off('error', onError);
        resolve();
        return;
      }
      // The listener for errors stays: more of them may follow, and there is nobody else to hear them.
      stream.destroy();
      reject(error);
    }
    stream.once(done, onDone).once('end', onClose).once('close', onClose).on('error', onError);
    // Undocumented: before the handshake is over, the server side reports its errors nowhere else (Node 24). A test fails
    // when that changes.
    stream.once('_tlsError', onError);
  });
}

function legOf(stream: TLSSocket, serverName: string | null): TlsLeg {
  const { alpnProtocol } = stream;
  return {
    stream,
    protocol: stream.getProtocol() ?? 'unknown',
    cipher: stream.getCipher().standardName,
    alpn: typeof alpnProtocol === 'string' ? alpnProtocol : null,
    serverName,
  };
}
