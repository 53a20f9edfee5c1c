/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS as a client (RFC 5802, RFC 7677; PostgreSQL 18 manual, 54.3 SASL Authentication), message by message and
 * without sockets. The server's proof is checked: one that does not know the password cannot pass for one that does.
 */
import { isAscii } from 'node:buffer';
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import type { Secret } from '../../../core/secret.ts';
import { AuthenticationError } from './errors.ts';
import { saslprep } from './saslprep.ts';

export const SCRAM = 'SCRAM-SHA-256';
export const SCRAM_PLUS = 'SCRAM-SHA-256-PLUS';

/**
 * The gs2 header's flag (RFC 5802 section 7). `n`: no channel binding here. `y`: there could be, and the server did not offer
 * it; a server that did refuses, since somebody has taken it out of the offer. `p`: bound to the server's certificate.
 */
export type Binding = { readonly flag: 'n' | 'y' } | { readonly flag: 'p'; readonly endPoint: Buffer };

export interface ScramOptions {
  readonly password: Secret;
  readonly binding: Binding;
  /** PostgreSQL takes the startup message's user and ignores this one; libpq leaves it empty. */
  readonly user?: string;
  /** Printable ASCII without commas; random by default. */
  readonly nonce?: string;
}

/** PostgreSQL's default is 4,096. Threat: a server that makes every login cost minutes of CPU. A million cost half a second. */
export const MAX_ITERATIONS = 1_000_000;
const LENGTH = 32;
/** libpq's SCRAM_RAW_NONCE_LEN. */
const NONCE_BYTES = 18;
const PRINTABLE = '[\\x21-\\x2b\\x2d-\\x7e]+';
const BASE64 = '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?';
/** Extensions may follow; one that must be understood comes first (`m=`), and is understood by nobody. */
const EXTENSIONS = '(?:,[A-Za-z]=[^,\\0]+)*';
const SERVER_FIRST = new RegExp(`^r=(${PRINTABLE}),s=(${BASE64}),i=([1-9][0-9]{0,9})${EXTENSIONS}$`);
const SERVER_FINAL = new RegExp(`^v=(${BASE64})${EXTENSIONS}$`);
const SERVER_ERROR = /^e=([a-z0-9-]{1,60})/;

const derive = promisify(pbkdf2);

export class ScramClient {
  readonly mechanism: typeof SCRAM | typeof SCRAM_PLUS;
  readonly #password: Secret;
  readonly #header: string;
  readonly #bindingData: Buffer;
  readonly #nonce: string;
  readonly #bare: string;
  #serverSignature: Buffer | null = null;

  constructor({ password, binding, user = '', nonce }: ScramOptions) {
    this.#password = password;
    this.mechanism = binding.flag === 'p' ? SCRAM_PLUS : SCRAM;
    this.#header = binding.flag === 'p' ? 'p=tls-server-end-point,,' : `${binding.flag},,`;
    this.#bindingData = binding.flag === 'p' ? binding.endPoint : Buffer.alloc(0);
    this.#nonce = nonce ?? randomBytes(NONCE_BYTES).toString('base64');
    this.#bare = `n=${user.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${this.#nonce}`;
  }

  /** client-first-message. */
  first(): Buffer {
    return Buffer.from(this.#header + this.#bare);
  }

  /**
   * client-final-message. The key is derived on libuv's threads: milliseconds, in which the worker serves others.
   * @param serverFirst the data of AuthenticationSASLContinue
   * @throws AuthenticationError `server`
   */
  async final(serverFirst: Buffer): Promise<Buffer> {
    const { nonce, salt, iterations } = this.#read(serverFirst);
    const password = preparedBytes(this.#password);
    const salted = await derive(password, salt, iterations, LENGTH, 'sha256');
    password.fill(0);
    const clientKey = hmac(salted, 'Client Key');
    const serverKey = hmac(salted, 'Server Key');
    const binding = Buffer.concat([Buffer.from(this.#header), this.#bindingData]).toString('base64');
    const withoutProof = `c=${binding},r=${nonce}`;
    const authMessage = `${this.#bare},${serverFirst.toString('latin1')},${withoutProof}`;
    const proof = hmac(createHash('sha256').update(clientKey).digest(), authMessage);
    for (let at = 0; at < proof.length; at += 1) proof[at] = (proof[at] ?? 0) ^ (clientKey[at] ?? 0);
    this.#serverSignature = hmac(serverKey, authMessage);
    for (const secret of [salted, clientKey, serverKey]) secret.fill(0);
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`);
  }

  /**
   * @param serverFinal the data of AuthenticationSASLFinal
   * @throws AuthenticationError `server` where it is not the signature of a server that knows the password
   */
  verify(serverFinal: Buffer): void {
    const text = serverFinal.toString('latin1');
    const error = SERVER_ERROR.exec(text)?.[1];
    if (error !== undefined) throw broken(`the server refused the SCRAM exchange: ${error}`);
    const signature = SERVER_FINAL.exec(text)?.[1];
    const expected = this.#serverSignature;
    if (signature === undefined || expected === null)
      throw broken('a SCRAM server-final-message that is none');
    const given = Buffer.from(signature, 'base64');
    if (given.length !== expected.length || !timingSafeEqual(given, expected))
      throw broken('the server did not prove that it knows the password: it may be another server');
  }

  #read(serverFirst: Buffer): { nonce: string; salt: Buffer; iterations: number } {
    const match = SERVER_FIRST.exec(serverFirst.toString('latin1'));
    if (match === null) throw broken('a SCRAM server-first-message that is none');
    const [, nonce = '', salt = '', count = ''] = match;
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length)
      throw broken('a SCRAM nonce that does not continue ours');
    if (salt === '') throw broken('a SCRAM salt that is empty');
    const iterations = Number(count);
    if (iterations > MAX_ITERATIONS)
      throw broken(`${iterations} SCRAM iterations, where ${MAX_ITERATIONS} are computed at most`);
    return { nonce, salt: Buffer.from(salt, 'base64'), iterations };
  }
}

/** SASLprep leaves ASCII as it is, so that no string is made of such a password. */
function preparedBytes(password: Secret): Buffer {
  const bytes = password.bytes();
  if (isAscii(bytes)) return bytes;
  bytes.fill(0);
  return saslprep(password.reveal());
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text, 'latin1').digest();
}

function broken(message: string): AuthenticationError {
  return new AuthenticationError('server', message);
}
