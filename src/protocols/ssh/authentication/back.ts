/** Authentication at the host, method by method. */
import { WireReader, WireWriter, wireString } from '../../../core/ssh-wire.ts';
import { SshError } from '../errors.ts';
import { certifiedType } from '../keys/certificate.ts';
import { keyType, signatureAlgorithms } from '../keys/public-key.ts';
import { Disconnect, Message } from '../numbers.ts';
import { Mailbox } from './mailbox.ts';
import {
  decodeFailure,
  decodeInfoRequest,
  encodeInfoResponse,
  encodeRequest,
  type Failure,
  type InfoRequest,
  USERAUTH,
} from './messages.ts';
import type { Signer } from './upstream-auth.ts';

export type Outcome = { readonly type: 'success' } | ({ readonly type: 'failure' } & Failure);
export type PasswordOutcome = Outcome | { readonly type: 'change'; readonly prompt: string };

export interface BackOptions {
  send(payload: Buffer): void;
  /** The first exchange's hash, which signatures cover. */
  sessionId(): Buffer;
  /** The host's words to the person. */
  onBanner(text: string): void;
  /** The host takes the user; what follows is the connection's. */
  onSuccess(): void;
}

const MOST_WAITING = 8;
const MOST_BANNERS = 16;

export class Back {
  readonly #options: BackOptions;
  readonly #letters = new Mailbox<Buffer>(MOST_WAITING);
  #user = '';
  #banners = 0;
  /** What the host said last that it takes of the user, whom it has not let in; null until it says so. */
  refusal: string | null = null;
  /** What the host said that it takes; null until it says so. */
  signatureAlgorithms: readonly string[] | null = null;

  constructor(options: BackOptions) {
    this.#options = options;
  }

  /** @throws SshError, WireError */
  take(payload: Buffer): void {
    if (payload[0] === Message.USERAUTH_BANNER) {
      this.#banners += 1;
      if (this.#banners <= MOST_BANNERS)
        this.#options.onBanner(new WireReader(payload, 1).string().toString());
      return;
    }
    if (payload[0] === Message.USERAUTH_SUCCESS) this.#options.onSuccess();
    if (!this.#letters.put(Buffer.from(payload)))
      throw new SshError(Disconnect.PROTOCOL_ERROR, 'the host answers more than it was asked');
  }

  close(error: Error): void {
    this.#letters.close(error);
  }

  /** Method `none`, which tells what else there is. */
  async begin(user: string): Promise<Outcome> {
    this.#user = user;
    this.#options.send(new WireWriter().byte(Message.SERVICE_REQUEST).string(USERAUTH).bytes());
    const accepted = await this.#letters.next();
    if (accepted[0] !== Message.SERVICE_ACCEPT) throw unexpected(accepted);
    this.#request('none', Buffer.alloc(0));
    return this.#outcome(await this.#letters.next());
  }

  /**
   * Asks first whether the key would do, so that no signature is made in vain.
   * @throws Error where there is no signature to be had
   */
  async publicKey(signer: Signer): Promise<Outcome> {
    const refused = await this.wouldTake(signer.publicKey);
    const algorithm = this.#algorithmFor(signer.publicKey);
    if (refused !== null || algorithm === null) return refused ?? NOT_ASKED;
    const unsigned = encodeRequest(this.#user, 'publickey', keyFields(true, algorithm, signer.publicKey));
    const data = Buffer.concat([wireString(this.#options.sessionId()), unsigned]);
    // With a certificate the signature is still one of the key in it, and says so.
    const signature = await signer.sign(certifiedType(algorithm) ?? algorithm, data);
    this.#options.send(Buffer.concat([unsigned, wireString(signature)]));
    return this.#outcome(await this.#letters.next());
  }

  /** @returns null where a signature with this key would do */
  async wouldTake(publicKey: Buffer): Promise<Outcome | null> {
    const algorithm = this.#algorithmFor(publicKey);
    if (algorithm === null) return NOT_ASKED;
    this.#request('publickey', keyFields(false, algorithm, publicKey));
    const answer = await this.#letters.next();
    return answer[0] === Message.USERAUTH_PK_OK ? null : this.#outcome(answer);
  }

  async password(password: Buffer, newPassword: Buffer | null): Promise<PasswordOutcome> {
    const fields = new WireWriter().boolean(newPassword !== null).string(password);
    if (newPassword !== null) fields.string(newPassword);
    this.#request('password', fields.bytes());
    const answer = await this.#letters.next();
    if (answer[0] !== Message.USERAUTH_PASSWD_CHANGEREQ) return this.#outcome(answer);
    return { type: 'change', prompt: new WireReader(answer, 1).string().toString() };
  }

  /** @param answer answers what the host asks, as often as it asks; null gives up */
  async keyboardInteractive(
    submethods: string,
    answer: (info: InfoRequest) => Promise<Buffer[] | null>,
  ): Promise<Outcome | null> {
    this.#request('keyboard-interactive', new WireWriter().string('').string(submethods).bytes());
    for (;;) {
      const asked = await this.#letters.next();
      if (asked[0] !== Message.USERAUTH_INFO_REQUEST) return this.#outcome(asked);
      const responses = await answer(decodeInfoRequest(asked));
      if (responses === null) return null;
      this.#options.send(encodeInfoResponse(responses));
    }
  }

  /** @throws SshError */
  #outcome(answer: Buffer): Outcome {
    if (answer[0] === Message.USERAUTH_SUCCESS) return { type: 'success' };
    if (answer[0] !== Message.USERAUTH_FAILURE) throw unexpected(answer);
    const failure = decodeFailure(answer);
    const { methods, partial } = failure;
    this.refusal = `the host ${partial ? 'wants more of' : 'refused'} ${this.#user}: it takes ${methods.join(', ')}`;
    return { type: 'failure', ...failure };
  }

  #request(method: string, fields: Buffer): void {
    this.#options.send(encodeRequest(this.#user, method, fields));
  }

  /** RFC 8332 section 3.3: a host that does not say takes RSA with SHA-1 alone; none that is alive does only that. */
  #algorithmFor(publicKey: Buffer): string | null {
    const type = keyType(publicKey);
    const plain = certifiedType(type);
    const known = this.signatureAlgorithms;
    const names = signatureAlgorithms(plain ?? type).filter((name) => name !== 'ssh-rsa');
    const wanted = names.find((name) => known === null || known.includes(name));
    if (wanted === undefined) return null;
    return plain === null ? wanted : `${wanted}${type.slice(plain.length)}`;
  }
}

/** There is no algorithm to ask the host with. */
const NOT_ASKED: Outcome = { type: 'failure', methods: [], partial: false };

function keyFields(signed: boolean, algorithm: string, publicKey: Buffer): Buffer {
  return new WireWriter().boolean(signed).string(algorithm).string(publicKey).bytes();
}

function unexpected(answer: Buffer): SshError {
  return new SshError(Disconnect.PROTOCOL_ERROR, `the host answers with message ${answer[0]}`);
}
