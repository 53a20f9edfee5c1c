/** What node:tls needs for either leg, from a minted certificate or from a target's settings. */
import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  getCACertificates,
  type SecureContext,
} from 'node:tls';
import type { Secret } from '../core/secret.ts';
import { TlsError } from './explain.ts';

/** libpq's sslmode, without `allow`. `prefer` and `require` verify nothing. */
export type TlsMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full';

export interface TlsSettings {
  readonly mode: TlsMode;
  /** PEM of the authorities to trust; null: the system's. */
  readonly ca: string | null;
  /** The name that the certificate must have and that is asked for, in place of the destination's own. */
  readonly serverName: string | null;
  /** A client certificate that Hopline holds for this target, PEM. */
  readonly certificate?: { readonly chain: string; readonly key: Secret } | null;
}

/** Who is connected to. */
export interface ServerPeer {
  /** Null where only the address is known. */
  readonly name: string | null;
  readonly address: string;
}

/** How one target is spoken to in TLS. The context is expensive (the system's authorities take tens of milliseconds): it is shared. */
export interface ClientTls {
  readonly mode: Exclude<TlsMode, 'disable'>;
  /** The name or address that `verify-full` expects. */
  readonly expected: string;
  /** For messages: where trust comes from. */
  readonly authority: string;
  /** Safe as it stands: verifies what `mode` says. */
  readonly options: ConnectionOptions;
}

const MIN_VERSION = 'TLSv1.2';

/** @param minted a certificate and its key, PEM */
export function serverContext(minted: { readonly certificate: string; readonly key: string }): SecureContext {
  return createSecureContext({ cert: minted.certificate, key: minted.key, minVersion: MIN_VERSION });
}

/**
 * @returns null where the settings say that there is no TLS
 * @throws TlsError `settings`: the authorities or the client certificate are not what they should be
 */
export function clientOptions(settings: TlsSettings, peer: ServerPeer): ClientTls | null {
  const { mode } = settings;
  if (mode === 'disable') return null;
  const expected = (settings.serverName ?? peer.name ?? peer.address).replace(/\.$/, '');
  const verified = mode === 'verify-ca' || mode === 'verify-full';
  const options: ConnectionOptions = {
    secureContext: contextFor(settings, verified),
    minVersion: MIN_VERSION,
    rejectUnauthorized: verified,
    checkServerIdentity: (_host, certificate) =>
      mode === 'verify-full' ? checkServerIdentity(expected, certificate) : undefined,
    // An address is no server name (RFC 6066 section 3).
    ...(isIP(expected) === 0 ? { servername: expected } : { servername: '' }),
  };
  const authority = settings.ca === null ? "the system's CAs" : 'the CAs of this target';
  return { mode, expected, authority, options };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
/** By what they trust, where there is no client certificate in them. Bounded: a target's authorities change with its configuration. */
const contexts = new Map<string, SecureContext>();
const MAX_CONTEXTS = 100;

function contextFor(settings: TlsSettings, verified: boolean): SecureContext {
  const { certificate = null } = settings;
  const trust = verified ? (settings.ca ?? 'system') : 'none';
  const shared = certificate === null ? contexts.get(trust) : undefined;
  if (shared !== undefined) return shared;
  if (verified && settings.ca !== null) checkAuthorities(settings.ca);
  let context: SecureContext;
  try {
    context = createSecureContext({
      minVersion: MIN_VERSION,
      ca: verified ? (settings.ca ?? systemAuthorities()) : [],
      ...(certificate === null ? {} : { cert: certificate.chain, key: certificate.key.reveal() }),
    });
  } catch {
    // OpenSSL's message may quote what it was given.
    throw broken('the client certificate and its key are not a pair in PEM');
  }
  if (certificate === null) {
    if (contexts.size >= MAX_CONTEXTS) contexts.clear();
    contexts.set(trust, context);
  }
  return context;
}

/** Node ignores what it cannot read in `ca`, and would trust fewer authorities than were given. */
function checkAuthorities(pem: string): void {
  const found = pem.match(CERTIFICATE) ?? [];
  if (found.length === 0) throw broken('what is given as CA has no certificate in PEM in it');
  for (const [index, one] of found.entries()) {
    try {
      new X509Certificate(one);
    } catch {
      throw broken(`certificate ${index + 1} of what is given as CA cannot be read`);
    }
  }
}

function broken(message: string): TlsError {
  return new TlsError('settings', 'server', message);
}

/** Each once: file and directory of the system name the same ones. */
function systemAuthorities(): string[] {
  return [...new Set(getCACertificates('system'))];
}
