/**
 * Authentication of the client. Who it is, the kernel has told: what the client tries serves to ask a person, and to learn
 * which key of theirs they mean for the host.
 */
import { WireReader, WireWriter } from '../../../core/ssh-wire.ts';
import { SshError } from '../errors.ts';
import { Disconnect, Message } from '../numbers.ts';
import { Mailbox } from './mailbox.ts';
import {
  CONNECTION,
  decodeInfoResponse,
  decodeRequest,
  encodeBanner,
  encodeFailure,
  encodeInfoRequest,
  type Failure,
  type InfoRequest,
  type Method,
  USERAUTH,
} from './messages.ts';

type Letter =
  | { readonly type: 'request'; readonly user: string; readonly asked: Method }
  | { readonly type: 'responses'; readonly responses: Buffer[] };

/** A client waits for each answer; this leaves room for one that does not. */
const MOST_WAITING = 8;
/** Requests of one client: keys of an agent, passwords that were mistyped. OpenSSH's server has 6 by default, and each key counts. */
const MOST_REQUESTS = 100;

const OPENSSH = /^SSH-2\.0-OpenSSH_/;

export class Front {
  readonly #send: (payload: Buffer) => void;
  readonly #ident: () => string;
  readonly #letters = new Mailbox<Letter>(MOST_WAITING);
  #service = false;
  #requests = 0;
  #user: string | null = null;
  /** What the client asked last and has no answer to. */
  #asked: Method | null = null;

  /** @param ident how the client introduced itself */
  constructor(send: (payload: Buffer) => void, ident: () => string) {
    this.#send = send;
    this.#ident = ident;
  }

  /** @throws SshError, WireError */
  take(payload: Buffer): void {
    const type = payload[0];
    if (type === Message.SERVICE_REQUEST) this.#serve(payload);
    else if (!this.#service) throw broken('authentication before the service was asked for');
    else if (type === Message.USERAUTH_REQUEST) this.#request(payload);
    else if (type === Message.USERAUTH_INFO_RESPONSE)
      this.#put({ type: 'responses', responses: decodeInfoResponse(payload) });
    else throw broken(`message ${type} before authentication`);
  }

  close(error: Error): void {
    this.#letters.close(error);
  }

  /** Waits for the client's first request. @returns the user that it names */
  async begin(): Promise<string> {
    await this.asked();
    return this.#user ?? '';
  }

  /** What the client asks, until it is answered. */
  async asked(): Promise<Method> {
    while (this.#asked === null) {
      const letter = await this.#letters.next();
      if (letter.type === 'request') this.#asked = letter.asked;
    }
    return this.#asked;
  }

  /**
   * Whether the client waits to hear that a signature with the key would do, before it makes one. RFC 4252 section 7
   * has only that answer and FAILURE; OpenSSH takes SUCCESS too, which spares a person the passphrase or the touch for
   * a signature that nobody needs. Go's golang.org/x/crypto/ssh does not.
   */
  awaitsKeyOk(asked: Method & { method: 'publickey' }): boolean {
    return asked.signature === null && this.#asked === asked && !OPENSSH.test(this.#ident());
  }

  keyOk({ algorithm, key }: Method & { method: 'publickey' }): void {
    this.#asked = null;
    this.#send(new WireWriter().byte(Message.USERAUTH_PK_OK).string(algorithm).string(key).bytes());
  }

  /** Answers what was asked. */
  failure(failure: Failure): void {
    this.#asked = null;
    this.#send(encodeFailure(failure));
  }

  success(): void {
    this.#asked = null;
    this.#send(Buffer.of(Message.USERAUTH_SUCCESS));
  }

  passwordChange(prompt: string): void {
    this.#asked = null;
    this.#send(new WireWriter().byte(Message.USERAUTH_PASSWD_CHANGEREQ).string(prompt).string('').bytes());
  }

  banner(text: string): void {
    this.#send(encodeBanner(text));
  }

  /**
   * Puts questions to the person, by keyboard-interactive: a client that is trying something else is told that this is
   * what is left.
   * @returns an answer for each; null where the client went on to something else in place of an answer
   */
  async ask(info: InfoRequest): Promise<Buffer[] | null> {
    while ((await this.asked()).method !== 'keyboard-interactive')
      this.failure({ methods: ['keyboard-interactive'], partial: false });
    return this.relay(info);
  }

  /** As {@link ask}, of a client that has asked for keyboard-interactive. */
  async relay(info: InfoRequest): Promise<Buffer[] | null> {
    this.#send(encodeInfoRequest(info));
    const letter = await this.#letters.next();
    if (letter.type === 'request') {
      this.#asked = letter.asked;
      return null;
    }
    if (letter.responses.length !== info.prompts.length)
      throw broken('another number of answers than of questions');
    return letter.responses;
  }

  #serve(payload: Buffer): void {
    const service = new WireReader(payload, 1).text();
    if (service !== USERAUTH || this.#service)
      throw new SshError(Disconnect.SERVICE_NOT_AVAILABLE, `no service ${service}`);
    this.#service = true;
    this.#send(new WireWriter().byte(Message.SERVICE_ACCEPT).string(service).bytes());
  }

  #request(payload: Buffer): void {
    const { user, service, asked } = decodeRequest(payload);
    if (service !== CONNECTION) throw new SshError(Disconnect.SERVICE_NOT_AVAILABLE, `no service ${service}`);
    this.#user ??= user;
    if (user !== this.#user) throw broken('another user than before');
    this.#requests += 1;
    if (this.#requests > MOST_REQUESTS)
      throw new SshError(Disconnect.NO_MORE_AUTH_METHODS_AVAILABLE, 'Too many authentication failures');
    this.#put({ type: 'request', user, asked });
  }

  #put(letter: Letter): void {
    if (!this.#letters.put(letter)) throw broken('more requests than it waits for');
  }
}

function broken(what: string): SshError {
  return new SshError(Disconnect.PROTOCOL_ERROR, `broke the protocol: ${what}`);
}
