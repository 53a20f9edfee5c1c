/**
 * One HTTP request and its answer, bounded in time and size. Not fetch: authorities of one's own are the rule for
 * what keeps secrets, and Node's fetch takes none for a single request.
 */

import type { ClientRequest, IncomingMessage } from 'node:http';
import { request as plain } from 'node:http';
import { request as encrypted } from 'node:https';
import { isIP } from 'node:net';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { isLoopback as isLoopbackAddress } from '../core/loopback.ts';
import { CredentialError } from './credential.ts';
import { type Outgoing, watch } from './outgoing.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM of the authorities to trust; null: the system's. */
  readonly ca: string | null;
  /** For all of it, from the look-up of the name to the last byte. */
  readonly timeoutMs: number;
  /** For messages: `Vault at https://vault:8200`. */
  readonly who: string;
  readonly outgoing?: Outgoing | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly location: string | null;
  /** Fill it with zeros once it is read. */
  readonly body: Buffer;
}

const MAX_BYTES = 1024 * 1024;

/** @throws CredentialError `unreachable`, `timeout`, `malformed` */
export function send(request: HttpRequest): Promise<HttpAnswer> {
  const { body, timeoutMs, who } = request;
  return new Promise((resolve, reject) => {
    const outgoing = open(request);
    if (request.outgoing !== undefined) watch(outgoing, request.url, request.outgoing);
    const timer = setTimeout(
      () => fail(new CredentialError('timeout', `${who} did not answer within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    function fail(error: CredentialError): void {
      clearTimeout(timer);
      reject(error);
      outgoing.destroy();
    }
    outgoing.on('error', (error: NodeJS.ErrnoException) => fail(unreachable(who, error)));
    outgoing.on('response', (incoming: IncomingMessage) => {
      const parts: Buffer[] = [];
      let length = 0;
      incoming.on('data', (part: Buffer) => {
        parts.push(part);
        length += part.length;
        if (length > MAX_BYTES)
          fail(new CredentialError('malformed', `${who} answered with more than ${MAX_BYTES} bytes`));
      });
      incoming.on('error', (error: NodeJS.ErrnoException) => fail(unreachable(who, error)));
      incoming.on('end', () => {
        clearTimeout(timer);
        const whole = Buffer.concat(parts);
        for (const part of parts) part.fill(0);
        resolve({
          status: incoming.statusCode ?? 0,
          location: incoming.headers.location ?? null,
          body: whole,
        });
      });
      incoming.on('close', () => {
        if (!incoming.complete) fail(new CredentialError('unreachable', `${who} broke off its answer`));
      });
    });
    outgoing.end(body);
  });
}

function open({ method, url, headers, ca, who }: HttpRequest): ClientRequest {
  const trust = url.protocol !== 'https:' ? {} : ca === null ? { secureContext: systemContext() } : { ca };
  const options = { method, headers, agent: false, ...trust };
  try {
    return (url.protocol === 'https:' ? encrypted : plain)(url, options);
  } catch {
    throw new CredentialError('settings', `cannot ask ${who}: its CA or what is sent to it is malformed`);
  }
}

/** Made once: it takes tens of milliseconds. */
let ofTheSystem: SecureContext | null = null;

function systemContext(): SecureContext {
  ofTheSystem ??= createSecureContext({ ca: [...new Set(getCACertificates('system'))] });
  return ofTheSystem;
}

/** The answer's JSON, its bytes cleared; null where it is none. */
export function takeJson(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    return null;
  } finally {
    answer.body.fill(0);
  }
}

/** Whether what is sent there without TLS stays on this host. */
export function isLoopback(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || (isIP(host) !== 0 && isLoopbackAddress(host));
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it hung up',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up now',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it does not answer',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself: set the CA to trust',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is of an authority that is not trusted: set the CA to trust',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is of an authority that is not trusted: set the CA to trust',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate is of an authority that is not trusted: set the CA to trust',
};

function unreachable(who: string, error: NodeJS.ErrnoException): CredentialError {
  const code = error.code ?? '';
  const reason = Object.hasOwn(REASONS, code) ? REASONS[code] : undefined;
  // Never the message: it may quote what was sent.
  return new CredentialError('unreachable', `cannot ask ${who}: ${reason ?? (code || 'no answer')}`);
}
