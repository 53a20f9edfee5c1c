/** What went wrong with TLS, in sentences for the person at the other end: who, which certificate, which authority, what to do. */
import type { X509Certificate } from 'node:crypto';
import { fit, printable } from '../core/text.ts';

/** The two legs of a hop: `client` connected to Hopline, Hopline connected to `server`. */
export type Peer = 'client' | 'server';

/**
 * `timeout`, `closed`, `not-tls`, `version`, `alpn`, `handshake`: no connection came about. `untrusted`, `expired`, `name`: the
 * server's certificate is not accepted. `rejected`: the peer does not accept our certificate. `plaintext`: bytes where
 * only TLS may be. `settings`: ours cannot work.
 */
export type TlsErrorCode =
  | 'timeout'
  | 'closed'
  | 'not-tls'
  | 'version'
  | 'alpn'
  | 'handshake'
  | 'untrusted'
  | 'expired'
  | 'name'
  | 'rejected'
  | 'plaintext'
  | 'settings';

/** The message has no secret in it, and shows on a terminal as it is. */
export class TlsError extends Error {
  override readonly name = 'TlsError';
  readonly code: TlsErrorCode;
  readonly peer: Peer;

  constructor(code: TlsErrorCode, peer: Peer, message: string) {
    super(message);
    this.code = code;
    this.peer = peer;
  }
}

/** OpenSSL's words for "this does not look like TLS", as Node spells them. */
const NOT_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_HTTPS_PROXY_REQUEST',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_RECORD_LENGTH_MISMATCH',
  'ERR_SSL_UNEXPECTED_MESSAGE',
  'ERR_SSL_BAD_RECORD_TYPE',
  'ERR_SSL_LENGTH_TOO_SHORT',
  'ERR_SSL_LENGTH_MISMATCH',
  'ERR_SSL_TLSV1_ALERT_RECORD_OVERFLOW',
  'ERR_SSL_ENCRYPTED_LENGTH_TOO_LONG',
  'ERR_SSL_DATA_LENGTH_TOO_LONG',
]);
const VERSION = new Set([
  'ERR_SSL_UNSUPPORTED_PROTOCOL',
  'ERR_SSL_VERSION_TOO_LOW',
  'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
]);
const ALPN = new Set([
  'ERR_SSL_NO_APPLICATION_PROTOCOL',
  'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  'ERR_SSL_TLSV13_ALERT_NO_APPLICATION_PROTOCOL',
]);
/** Alerts about the certificate that we showed (RFC 8446 section 6.2). */
const REJECTED =
  /ALERT_(?:UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_[A-Z]+|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)$/;
const WANTS_CERTIFICATE = /ALERT_CERTIFICATE_REQUIRED$/;
const RESET = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

/** An error of the handshake, as Node reports it. */
export function explainHandshake(peer: Peer, error: NodeJS.ErrnoException & { reason?: string }): TlsError {
  const code = error.code ?? '';
  const who = `the ${peer}`;
  if (RESET.has(code)) return closedEarly(peer);
  if (NOT_TLS.has(code)) return new TlsError('not-tls', peer, `${who} sent something that is not TLS`);
  if (VERSION.has(code))
    return new TlsError('version', peer, `${who} speaks no TLS that is new enough: at least 1.2`);
  if (ALPN.has(code))
    return new TlsError('alpn', peer, `${who} and Hopline have no protocol in common (ALPN)`);
  if (WANTS_CERTIFICATE.test(code))
    return new TlsError(
      'rejected',
      peer,
      `${who} wants a client certificate: Hopline has none for this target`,
    );
  const said = fit(printable(error.reason ?? code), 100);
  if (REJECTED.test(code)) return new TlsError('rejected', peer, rejection(peer, said));
  return new TlsError('handshake', peer, `no TLS with ${who}: ${said === '' ? 'handshake failed' : said}`);
}

function rejection(peer: Peer, said: string): string {
  return peer === 'client'
    ? `the client does not accept Hopline's certificate (${said}): add Hopline's CA to what it trusts, or set the target to stay encrypted end to end`
    : `the server does not accept Hopline's client certificate (${said})`;
}

export function closedEarly(peer: Peer): TlsError {
  return new TlsError('closed', peer, `the ${peer} hung up during the TLS handshake`);
}

export function timedOut(peer: Peer, ms: number): TlsError {
  return new TlsError('timeout', peer, `the ${peer} did not finish the TLS handshake within ${ms / 1000} s`);
}

/**
 * Why the server's chain is not accepted.
 * @param code what OpenSSL says of the chain, such as `CERT_HAS_EXPIRED` (X509_V_ERR_…)
 * @param authority where trust comes from: `the system's CAs`, or a name for the configured ones
 */
export function explainChain(code: string, certificate: X509Certificate, authority: string): TlsError {
  const whose = `the server's certificate (${describe(certificate)})`;
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return new TlsError(
        'expired',
        'server',
        `${whose}, or an authority above it, has expired: ${period(certificate)}`,
      );
    case 'CERT_NOT_YET_VALID':
      return new TlsError('expired', 'server', `${whose} is not valid yet: ${period(certificate)}`);
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return untrusted(`${whose} is signed by itself and not one of ${authority}`);
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return untrusted(`${whose} does not lead to ${authority}`);
    case 'CERT_REVOKED':
      return untrusted(`${whose} is revoked`);
    default:
      return untrusted(`${whose} is not accepted: ${code.toLowerCase().replaceAll('_', ' ')}`);
  }
}

/** The chain is good and the name is another. */
export function explainName(expected: string, certificate: X509Certificate): TlsError {
  const names = certificate.subjectAltName ?? 'no name at all';
  return new TlsError(
    'name',
    'server',
    `the server's certificate is for ${fit(printable(names), 200)}, not for ${expected} (issued by ${commonName(certificate.issuer)}): set the name that it has as the target's, or mode verify-ca`,
  );
}

function untrusted(message: string): TlsError {
  return new TlsError('untrusted', 'server', message);
}

/** `db1, issued by Example CA`. */
function describe(certificate: X509Certificate): string {
  return `${commonName(certificate.subject)}, issued by ${commonName(certificate.issuer)}`;
}

function period(certificate: X509Certificate): string {
  return `${fit(printable(certificate.validFrom), 40)} to ${fit(printable(certificate.validTo), 40)}`;
}

/** Node writes a name as lines of `CN=…`. */
function commonName(name: string | undefined): string {
  const lines = (name ?? '').split('\n');
  const chosen = lines.find((line) => line.startsWith('CN='))?.slice(3) ?? lines.join(', ');
  return chosen === '' ? 'no name' : fit(printable(chosen), 80);
}
