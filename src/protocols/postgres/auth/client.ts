/** Logging in with a credential that Hopline holds: what the server asks in, what it is answered out, without sockets. */
import type { Secret } from '../../../core/secret.ts';
import { decodeAuthentication } from '../decode-backend.ts';
import { encode } from '../encode.ts';
import { saslInitialResponse, saslResponse } from '../encode-frontend.ts';
import type { Authentication } from '../messages.ts';
import { tlsServerEndPoint } from './channel-binding.ts';
import { AuthenticationError } from './errors.ts';
import { cleartextMessage, md5Message } from './password.ts';
import { type Binding, SCRAM, SCRAM_PLUS, ScramClient } from './scram.ts';

/** How the server was satisfied; `trust` is not at all. */
export type AuthenticationMethod = 'trust' | 'password' | 'md5' | 'scram-sha-256' | 'scram-sha-256-plus';

export interface ClientAuthenticationOptions {
  readonly user: string;
  readonly password: Secret;
  /** The server's certificate (DER) where the connection to it is TLS; null where it is not. */
  readonly tls: { readonly certificateDer: Buffer } | null;
  /** What a server may be given besides SCRAM. `cleartext` belongs to connections whose server is verified, and to this host. */
  readonly allow: { readonly cleartext: boolean; readonly md5: boolean };
}

export class ClientAuthentication {
  readonly #options: ClientAuthenticationOptions;
  #scram: ScramClient | null = null;
  /** What may come next. */
  #state: 'method' | 'continue' | 'final' | 'ok' | 'done' = 'method';
  #method: AuthenticationMethod = 'trust';

  constructor(options: ClientAuthenticationOptions) {
    this.#options = options;
  }

  /** For the record, once `next` has said `ok`. */
  get method(): AuthenticationMethod {
    return this.#method;
  }

  /**
   * @param message an Authentication message, whole or decoded
   * @returns the message that answers it, to be cleared after it is sent; null where there is nothing to answer yet; `ok`
   *   for AuthenticationOk
   * @throws AuthenticationError, DecodeError; the connection cannot go on
   */
  async next(message: Buffer | Authentication): Promise<Buffer | null | 'ok'> {
    const asked = Buffer.isBuffer(message) ? decodeAuthentication(message) : message;
    switch (asked.name) {
      case 'AuthenticationOk':
        // Before the server's proof was seen, this is a server that does not know the password.
        if (this.#state !== 'method' && this.#state !== 'ok') throw unexpected(asked.name);
        this.#state = 'done';
        return 'ok';
      case 'AuthenticationCleartextPassword':
        this.#expect('method', asked.name);
        return this.#cleartext();
      case 'AuthenticationMD5Password':
        this.#expect('method', asked.name);
        return this.#md5(asked.salt);
      case 'AuthenticationSASL':
        this.#expect('method', asked.name);
        return this.#sasl(asked.mechanisms);
      case 'AuthenticationSASLContinue': {
        const scram = this.#exchange('continue', asked.name);
        this.#state = 'final';
        return encode(saslResponse, await scram.final(asked.data));
      }
      case 'AuthenticationSASLFinal':
        this.#exchange('final', asked.name).verify(asked.data);
        this.#state = 'ok';
        return null;
      default:
        throw unsupported(asked.name);
    }
  }

  #cleartext(): Buffer {
    if (!this.#options.allow.cleartext)
      throw new AuthenticationError(
        'method',
        'the server asks for the password in clear, which this connection may not carry',
        'Set TLS verify-full for this target, or scram-sha-256 in the server’s pg_hba.conf.',
      );
    this.#state = 'ok';
    this.#method = 'password';
    return cleartextMessage(this.#options.password);
  }

  #md5(salt: Buffer): Buffer {
    if (!this.#options.allow.md5)
      throw new AuthenticationError(
        'method',
        'the server asks for the password as MD5, which is not allowed for this target',
        'Set password_encryption = scram-sha-256 on the server, and the password again.',
      );
    this.#state = 'ok';
    this.#method = 'md5';
    return md5Message(this.#options.password, this.#options.user, salt);
  }

  #sasl(mechanisms: readonly string[]): Buffer {
    const binding = this.#binding(mechanisms);
    const scram = new ScramClient({ password: this.#options.password, binding });
    this.#scram = scram;
    this.#state = 'continue';
    this.#method = binding.flag === 'p' ? 'scram-sha-256-plus' : 'scram-sha-256';
    return encode(saslInitialResponse, scram.mechanism, scram.first());
  }

  /** RFC 5802 section 6: bound where both can, and a `y` where only we can. */
  #binding(mechanisms: readonly string[]): Binding {
    const { tls } = this.#options;
    const endPoint = tls === null ? null : tlsServerEndPoint(tls.certificateDer);
    if (mechanisms.includes(SCRAM_PLUS)) {
      if (tls === null)
        throw new AuthenticationError('server', `the server offers ${SCRAM_PLUS} without TLS`);
      if (endPoint !== null) return { flag: 'p', endPoint };
    }
    if (!mechanisms.includes(SCRAM))
      throw new AuthenticationError('method', `the server offers neither ${SCRAM} nor ${SCRAM_PLUS}`);
    return { flag: endPoint === null ? 'n' : 'y' };
  }

  #expect(state: 'method', asked: string): void {
    if (this.#state !== state) throw unexpected(asked);
  }

  #exchange(state: 'continue' | 'final', asked: string): ScramClient {
    if (this.#state !== state || this.#scram === null) throw unexpected(asked);
    return this.#scram;
  }
}

function unexpected(asked: string): AuthenticationError {
  return new AuthenticationError('server', `the server sent ${asked} where it may not come`);
}

function unsupported(asked: Authentication['name']): AuthenticationError {
  return new AuthenticationError(
    'method',
    `the server asks for ${asked.slice('Authentication'.length)}, for which Hopline can hold no credential`,
    'Set scram-sha-256 for this user in the server’s pg_hba.conf.',
  );
}
