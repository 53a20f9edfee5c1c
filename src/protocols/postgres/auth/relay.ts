/**
 * Relays the client's own authentication, message by message (PostgreSQL 18 manual, 54.2.1 Start-up, 54.3 SASL Authentication), and
 * refuses what cannot pass a proxy that ends TLS on both sides.
 *
 * Channel binding ties SCRAM to the TLS connection between client and server, of which there are two here. So
 * SCRAM-SHA-256-PLUS is taken out of the server's offer. A client on TLS that could have bound then says so (`y` in its gs2
 * header, RFC 5802 section 6), and a server on TLS, which did offer it, takes that for an attack: `SCRAM channel binding
 * negotiation error`. The header is in what the client's proof signs; nothing can be changed about it. psql 15 against
 * PostgreSQL 15, ssl = on (relay.live.test.ts):
 *
 *     client    server    channel_binding   scram-sha-256   md5       password
 *     TLS       TLS       disable           ok              ok        ok
 *     TLS       TLS       prefer            refused [1]     ok        ok [2]
 *     TLS       TLS       require           client [3]      client    client
 *     TLS       plain     disable, prefer   ok              ok        ok [2]
 *     TLS       plain     require           client          client    client
 *     plain     TLS       disable, prefer   ok              ok        ok [2]
 *     plain     TLS       require           client          client    client
 *     plain     plain     disable, prefer   ok              ok        ok [2]
 *     plain     plain     require           client          client    client
 *
 * [1] `prefer` is libpq's default. With `sslmode=prefer`, the default too, libpq takes the refusal for a reason to try
 *     again without TLS, and gets through: two connections. With `require` and `verify-*` the person reads why. `ask` makes
 *     it work in every sslmode, and with a server that is then bound by Hopline itself.
 * [2] Only where the server's connection is TLS or does not leave this host; refused otherwise.
 * [3] The client gives up: `channel binding is required, but server did not offer …`. So it does on held credentials. Only
 *     the server's own certificate and key on the client's side could mend that.
 *
 * Clients that send `n` (channel_binding=disable, node-postgres by default) pass everywhere.
 *
 * GSSAPI and SSPI go as they are: PostgreSQL binds neither to TLS. Encryption by GSSAPI is another thing, ends between
 * client and server, and is refused at GSSENCRequest. Certificates cannot be relayed: the client signs its own
 * handshake, which is the one with Hopline. A server that wants one says so (28000, `connection requires a valid client
 * certificate`), unless Hopline holds one for the target.
 */
import { Secret } from '../../../core/secret.ts';
import { decodeAuthentication } from '../decode-backend.ts';
import { decodeAuthenticationAnswer } from '../decode-frontend.ts';
import { encode } from '../encode.ts';
import { authentication } from '../encode-backend.ts';
import type { Authentication, AuthenticationType, SASLInitialResponse } from '../messages.ts';
import { type AuthenticationMethod, ClientAuthentication } from './client.ts';
import { AuthenticationError } from './errors.ts';
import { SCRAM, SCRAM_PLUS } from './scram.ts';

export interface RelayOptions {
  /** The connection between client and Hopline. */
  readonly client: { readonly tls: boolean };
  readonly server: {
    /** Null where the connection to the server is not TLS. */
    readonly tls: { readonly certificateDer: Buffer } | null;
    /** Loopback: nobody is between Hopline and the server. */
    readonly local: boolean;
  };
  /** Of the startup message. */
  readonly user: string;
  /**
   * What to do with a client whose SCRAM messages this server will refuse. `refuse` tells it why. `ask` asks it for its
   * password inside its TLS connection, and logs in with that: the password is in the worker's memory for as long as that takes.
   */
  readonly whenBound: 'refuse' | 'ask';
}

/** What to send on; null is nothing. */
export interface Relayed {
  readonly toClient: Buffer | null;
  readonly toServer: Buffer | null;
  /** AuthenticationOk has come, and is in `toClient`. */
  readonly ok: boolean;
}

/** OAUTHBEARER (PostgreSQL 18, RFC 7628) carries a bearer token: as good as a password in clear. */
const OAUTH = 'OAUTHBEARER';
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const NOTHING: Relayed = { toClient: null, toServer: null, ok: false };

export class AuthenticationRelay {
  readonly #options: RelayOptions;
  #asked: AuthenticationType | null = null;
  /** As the server offered, and as the client was offered. */
  #offered: readonly string[] = [];
  #passed: readonly string[] = [];
  #method: AuthenticationMethod | 'gss' | 'sspi' | 'oauthbearer' = 'trust';
  /** The client is asked for its password in place of what it sent. */
  #asking = false;
  #own: ClientAuthentication | null = null;
  #secret: Secret | null = null;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** For the record, once a step has said `ok`. */
  get method(): AuthenticationMethod | 'gss' | 'sspi' | 'oauthbearer' {
    return this.#own?.method ?? this.#method;
  }

  /** Whether the client's password was asked for and Hopline logged in with it. */
  get asked(): boolean {
    return this.#asking;
  }

  /**
   * @param message an Authentication message, whole
   * @throws AuthenticationError for the client to be told, DecodeError
   */
  async fromServer(message: Buffer): Promise<Relayed> {
    const asked = decodeAuthentication(message);
    if (this.#own !== null) return this.#next(this.#own, asked, message);
    if (this.#asking) throw new AuthenticationError('server', `the server sent ${asked.name} out of turn`);
    this.#asked = asked.name;
    switch (asked.name) {
      case 'AuthenticationOk':
        return { ...NOTHING, toClient: message, ok: true };
      case 'AuthenticationCleartextPassword':
        if (!this.#confidential()) throw inClear('the password');
        this.#method = 'password';
        break;
      case 'AuthenticationMD5Password':
        this.#method = 'md5';
        break;
      case 'AuthenticationGSS':
        this.#method = 'gss';
        break;
      case 'AuthenticationSSPI':
        this.#method = 'sspi';
        break;
      case 'AuthenticationSASL':
        return this.#offer(asked.mechanisms);
      case 'AuthenticationKerberosV5':
        throw new AuthenticationError(
          'method',
          'the server asks for Kerberos 5, which PostgreSQL no longer has',
        );
      default:
        break;
    }
    return { ...NOTHING, toClient: message };
  }

  /**
   * @param message a `p` message, whole
   * @throws AuthenticationError for the client to be told, DecodeError
   */
  async fromClient(message: Buffer): Promise<Relayed> {
    const answer = decodeAuthenticationAnswer(message, this.#asked);
    this.#asked = null;
    if (this.#asking && answer.name === 'PasswordMessage') return this.#logIn(answer.password);
    if (answer.name === 'SASLInitialResponse') return this.#choose(answer, message);
    return { ...NOTHING, toServer: message };
  }

  #offer(mechanisms: readonly string[]): Relayed {
    this.#offered = mechanisms;
    this.#passed = mechanisms.filter(
      (mechanism) => mechanism === SCRAM || (mechanism === OAUTH && this.#confidential()),
    );
    if (this.#passed.length === 0) {
      if (mechanisms.includes(OAUTH)) throw inClear('a bearer token');
      throw new AuthenticationError(
        'method',
        `of what the server offers (${mechanisms.length} SASL mechanisms) none can be relayed`,
        'Let Hopline hold the credential for this target.',
      );
    }
    const offer: Authentication = { name: 'AuthenticationSASL', mechanisms: this.#passed };
    return { ...NOTHING, toClient: encode(authentication, offer) };
  }

  #choose(answer: SASLInitialResponse, message: Buffer): Relayed {
    const { mechanism, response } = answer;
    if (!this.#passed.includes(mechanism))
      throw new AuthenticationError('client', 'the client chose a SASL mechanism that it was not offered');
    if (mechanism === OAUTH) {
      this.#method = 'oauthbearer';
      return { ...NOTHING, toServer: message };
    }
    this.#method = 'scram-sha-256';
    const flag = response === null ? undefined : String.fromCharCode(response[0] ?? 0);
    const bound = flag === 'p' || (flag === 'y' && this.#offered.includes(SCRAM_PLUS));
    if (!bound) return { ...NOTHING, toServer: message };
    if (flag === 'p' || this.#options.whenBound === 'refuse' || !this.#options.client.tls) throw boundToTls();
    this.#asking = true;
    this.#asked = 'AuthenticationCleartextPassword';
    return { ...NOTHING, toClient: encode(authentication, { name: this.#asked }) };
  }

  async #logIn(password: Buffer): Promise<Relayed> {
    let text: string;
    try {
      text = UTF8.decode(password);
    } catch {
      throw new AuthenticationError('client', 'the password is not UTF-8, as SCRAM wants it');
    } finally {
      password.fill(0);
    }
    this.#secret = new Secret(text);
    this.#own = new ClientAuthentication({
      user: this.#options.user,
      password: this.#secret,
      tls: this.#options.server.tls,
      allow: { cleartext: false, md5: false },
    });
    const first = await this.#own.next({ name: 'AuthenticationSASL', mechanisms: this.#offered });
    return { ...NOTHING, toServer: first === 'ok' ? null : first };
  }

  async #next(own: ClientAuthentication, asked: Authentication, message: Buffer): Promise<Relayed> {
    try {
      const next = await own.next(asked);
      return next === 'ok' ? { ...NOTHING, toClient: message, ok: true } : { ...NOTHING, toServer: next };
    } finally {
      // The first message of the server's is the only one that the password answers.
      this.#secret?.clear();
    }
  }

  #confidential(): boolean {
    return this.#options.server.tls !== null || this.#options.server.local;
  }
}

function inClear(what: string): AuthenticationError {
  return new AuthenticationError(
    'method',
    `the server asks for ${what} in clear, and Hopline's connection to it is not encrypted`,
    'Set TLS for this target, or scram-sha-256 in the server’s pg_hba.conf.',
  );
}

function boundToTls(): AuthenticationError {
  return new AuthenticationError(
    'bound',
    'SCRAM with channel binding cannot be relayed: it is tied to a TLS connection from client to server, and this one ends here',
    'Connect with channel_binding=disable, or without TLS to here (sslmode=disable: this leg does not leave the host), or let Hopline hold the credential.',
  );
}
