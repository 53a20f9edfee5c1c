/**
 * Logs in to the server in the client's place, with a login that Hopline holds. Everything up to AuthenticationOk happens
 * here; what the server says behind it is the session's.
 */
import type { Socket } from 'node:net';
import type { HeldLogin } from '../../../core/credentials.ts';
import { isLoopback } from '../../../core/loopback.ts';
import { reset } from '../../../core/reset.ts';
import type { Session } from '../../room.ts';
import { decodeErrorResponse } from '../decode-backend.ts';
import { encode } from '../encode.ts';
import { errorReport } from '../error-fields.ts';
import { ProtocolError } from '../errors.ts';
import { Backend, type StartupMessage } from '../messages.ts';
import type { Reached } from '../reach.ts';
import { startupAs, startupParameter } from '../startup.ts';
import { AnswerReader } from './answers.ts';
import { ClientAuthentication } from './client.ts';
import { LoginError } from './errors.ts';
import { acceptClient } from './held.ts';

/** PostgreSQL's own authentication_timeout: the server gives up on us after as long. */
const TIMEOUT_MS = 60_000;

/** Null where the client logs in by itself. Reached first: the password is here no longer than it has to be. */
export async function heldLogin(
  session: Session,
  message: StartupMessage,
  reach: () => Promise<Reached>,
): Promise<InjectedLogin | null> {
  if (session.credential === null) return null;
  await reach();
  const asked = startupParameter(message, 'user')?.toString('utf8') ?? '';
  let login: HeldLogin;
  try {
    login = await session.credential.ask(asked);
  } catch (error) {
    throw noLogin(session, error instanceof Error ? error.message : String(error));
  }
  return new InjectedLogin(session, message, asked, login);
}

export class InjectedLogin implements Disposable {
  readonly user: string;
  readonly #session: Session;
  readonly #message: StartupMessage;
  readonly #login: HeldLogin;
  readonly #action: number;
  #over = false;

  constructor(session: Session, message: StartupMessage, asked: string, login: HeldLogin) {
    const { user, source, decision } = login;
    this.user = user;
    this.#session = session;
    this.#message = message;
    this.#login = login;
    const database = startupParameter(message, 'database')?.toString('utf8') ?? asked;
    const detail = { database, databaseUser: user, asked, credential: source };
    this.#action = session.actions.begin({ kind: 'login', subject: `login as ${user}`, detail, decision });
  }

  /**
   * Ends with AuthenticationOk on its way to the client, and the server's stream paused behind it.
   * @throws LoginError where the server does not let us in, AuthenticationError, ProtocolError
   */
  async authenticate(reached: Reached, client: Socket): Promise<void> {
    const { stream, socket } = reached;
    const reader = new AnswerReader(stream);
    const timer = setTimeout(() => reset(socket), TIMEOUT_MS);
    this.#session.onClose(() => {
      reset(this.#session.client);
      reset(socket);
    });
    try {
      stream.write(encode(startupAs, this.#message, this.user));
      const authentication = this.#authentication(reached);
      for (;;) {
        const message = await reader.next();
        if (message === null) throw this.#refused('the server closed the connection', null);
        switch (message[0]) {
          case Backend.Authentication: {
            const next = await authentication.next(message);
            if (next === 'ok') {
              reader.release();
              client.write(acceptClient());
              this.#end({ method: authentication.method });
              return;
            }
            if (next !== null) stream.write(next, () => next.fill(0));
            break;
          }
          case Backend.ErrorResponse:
            throw this.#refused('', message);
          case Backend.NegotiateProtocolVersion:
          case Backend.NoticeResponse:
            if (!this.#leaks(message)) client.write(message);
            break;
          default:
            throw new ProtocolError('order', 'a message', 'of the server’s, before it has let us in');
        }
      }
    } catch (error) {
      this.#end({ error: error instanceof Error ? error.message : String(error) });
      throw error;
    } finally {
      clearTimeout(timer);
      this.#login.password.clear();
    }
  }

  [Symbol.dispose](): void {
    this.#login.password.clear();
    this.#end({ error: 'the connection ended first' });
  }

  #authentication({ tls }: Reached): ClientAuthentication {
    const local = isLoopback(this.#session.destination.address);
    return new ClientAuthentication({
      user: this.user,
      password: this.#login.password,
      tls,
      allow: { cleartext: local || (tls !== null && tls.verified !== 'none'), md5: local || tls !== null },
    });
  }

  /** The server's words, where they are about the login with who holds it. */
  #refused(why: string, message: Buffer | null): LoginError {
    if (message === null) return noLogin(this.#session, why);
    if (this.#leaks(message)) return noLogin(this.#session, 'the server’s answer has the secret in it');
    const report = errorReport(decodeErrorResponse(message).fields);
    const said = `the server ended it: ${report.message} (${report.code})`;
    // Class 28, invalid authorization specification: wrong password, or not from here, or not for this database.
    if (!report.code.startsWith('28')) return new LoginError(said, report);
    this.#session.credential?.refused();
    const words = `the server does not take the login that Hopline holds for ${targetOf(this.#session)}`;
    return new LoginError(said, {
      ...{ severity: 'FATAL', code: report.code, message: `Hopline: ${words}: ${report.message}` },
      hint: `It was ${this.user}, from ${this.#login.source}: tell whoever keeps it. Nothing that you typed was used.`,
    });
  }

  /** Threat: a server, or what lies before it, that puts what it was given into what it says. */
  #leaks(message: Buffer): boolean {
    const secret = this.#login.password.bytes();
    const found = secret.length > 0 && message.includes(secret);
    secret.fill(0);
    return found;
  }

  #end(result: Readonly<Record<string, unknown>>): void {
    if (this.#over) return;
    this.#over = true;
    this.#session.actions.end(this.#action, result);
  }
}

function targetOf({ target, destination }: Session): string {
  return target ?? destination.address;
}

/** invalid_authorization_specification (appendix A). */
function noLogin(session: Session, why: string): LoginError {
  const text = `no login to ${targetOf(session)}: ${why}`;
  return new LoginError(text, { severity: 'FATAL', code: '28000', message: `Hopline: ${text}` });
}
