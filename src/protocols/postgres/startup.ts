/**
 * What comes before the first message: packets without a type byte (PostgreSQL 18 manual, 54.2.1 Start-up, 54.2.8
 * Canceling Requests in Progress, 54.2.10 SSL and 54.2.11 GSSAPI Session Encryption).
 */
import { DecodeError, ProtocolError } from './errors.ts';
import type { CancelRequest, StartupMessage, StartupPacket, StartupParameter } from './messages.ts';
import { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

const SSL_REQUEST = 80877103;
const GSSENC_REQUEST = 80877104;
const CANCEL_REQUEST = 80877102;
export const PROTOCOL_3_0 = 0x30000;
export const PROTOCOL_3_2 = 0x30002;

/** A length and a code. */
const LEAST = 8;
/** MAX_STARTUP_PACKET_LENGTH of the server, which does not count the length field. */
const MOST = 10_000 + 4;
const KEY_LEAST = 4;
const KEY_MOST = 256;
/** The first byte of a TLS handshake record; as the high byte of a length it is far above `MOST`. */
const TLS_HANDSHAKE = 0x16;
const EXTENSION = '_pq_.';
const EMPTY = Buffer.alloc(0);

export interface Arrival {
  readonly packet: StartupPacket;
  /** The packet as it came; a copy. Empty for DirectSSL. */
  readonly bytes: Buffer;
  /** What came after it in the same chunk; a view. All of the chunk for DirectSSL. */
  readonly rest: Buffer;
}

/** Reads a client's packets until the one that ends the startup: StartupMessage, CancelRequest or DirectSSL. */
export class StartupReader {
  readonly #asked: { SSLRequest: boolean; GSSENCRequest: boolean };
  #first: boolean;
  #packet: Buffer = EMPTY;

  /** @param encrypted inside TLS: no encryption can be asked for again */
  constructor(encrypted: boolean) {
    this.#asked = { SSLRequest: encrypted, GSSENCRequest: encrypted };
    this.#first = !encrypted;
  }

  /**
   * @returns null where the packet is not whole yet
   * @throws ProtocolError `length`; `version` for another major version than 3; `order` for an encryption request
   *   that was made before, or that more bytes follow: they would be taken for encrypted ones later (CVE-2021-23214);
   *   DecodeError
   */
  push(chunk: Buffer): Arrival | null {
    if (this.#first && this.#packet.length === 0 && chunk[0] === TLS_HANDSHAKE)
      return { packet: { name: 'DirectSSL' }, bytes: EMPTY, rest: chunk };
    const before = this.#packet.length;
    const bytes = Buffer.concat([this.#packet, chunk.subarray(0, MOST - before)]);
    this.#packet = bytes;
    if (bytes.length < 4) return null;
    const length = bytes.readInt32BE(0);
    if (length < LEAST || length > MOST)
      throw new ProtocolError(
        'length',
        'StartupMessage',
        `a length of ${length}, where it can be ${LEAST} to ${MOST}`,
      );
    if (bytes.length < length) return null;
    const whole = bytes.subarray(0, length);
    const rest = chunk.subarray(length - before);
    this.#packet = EMPTY;
    this.#first = false;
    const packet = decodeStartupPacket(whole);
    if (packet.name === 'SSLRequest' || packet.name === 'GSSENCRequest') {
      if (this.#asked[packet.name]) throw new ProtocolError('order', packet.name, 'made before');
      if (rest.length > 0) throw new ProtocolError('order', packet.name, 'bytes before it was answered');
      this.#asked[packet.name] = true;
    }
    return { packet, bytes: whole, rest };
  }
}

/**
 * @param bytes one packet, from its length on
 * @throws ProtocolError `version` for another major version than 3, DecodeError
 */
export function decodeStartupPacket(bytes: Buffer): StartupPacket {
  const reader = new Reader(bytes, 'StartupMessage', null);
  const code = reader.int32();
  switch (code) {
    case SSL_REQUEST:
      if (reader.left > 0) throw new DecodeError('SSLRequest', `${reader.left} bytes after its end`);
      return { name: 'SSLRequest' };
    case GSSENC_REQUEST:
      if (reader.left > 0) throw new DecodeError('GSSENCRequest', `${reader.left} bytes after its end`);
      return { name: 'GSSENCRequest' };
    case CANCEL_REQUEST:
      return cancelRequestOf(reader);
  }
  const [major, minor] = [code >>> 16, code & 0xffff];
  if (major !== 3)
    throw new ProtocolError(
      'version',
      'StartupMessage',
      `frontend protocol ${major}.${minor}, where it can be 3`,
    );
  const parameters: StartupParameter[] = [];
  for (;;) {
    const name = reader.word();
    if (name === '') break;
    parameters.push({ name, value: reader.string() });
  }
  reader.end();
  return { name: 'StartupMessage', protocolVersion: code, parameters };
}

function cancelRequestOf(reader: Reader): CancelRequest {
  const processId = reader.int32();
  const secretKey = reader.rest();
  if (secretKey.length < KEY_LEAST || secretKey.length > KEY_MOST)
    throw new DecodeError('CancelRequest', `a key of ${secretKey.length} bytes`);
  return { name: 'CancelRequest', processId, secretKey };
}

/** The value that counts: the last of that name, as in the server. Names are compared as they are. */
export function startupParameter(message: StartupMessage, name: string): Buffer | null {
  return message.parameters.findLast((parameter) => parameter.name === name)?.value ?? null;
}

/** Parameters that are the protocol's own, and no settings. */
const OWN: ReadonlySet<string> = new Set(['user', 'database', 'options', 'replication']);

/** The first of some switches in one word that takes a value: what follows it, or the next word. */
const TAKES_VALUE = /(?<=^-.*)[BCDcdfhkNprStvW-]/;

/**
 * The settings that a session begins with: parameters, and `-c name=value` or `--name=value` of `options` (pg_split_opts and
 * process_postgres_switches). Names in lower case.
 */
export function startupSettings(message: StartupMessage): { name: string; value: string }[] {
  const settings = message.parameters
    .filter(({ name }) => !OWN.has(name) && !name.startsWith(EXTENSION))
    .map(({ name, value }) => ({ name: name.toLowerCase(), value: value.toString('utf8') }));
  const words = splitOptions(startupParameter(message, 'options')?.toString('utf8') ?? '');
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    const place = word.startsWith('-') ? word.search(TAKES_VALUE) : -1;
    if (place < 0) continue;
    const value = place + 1 < word.length ? word.slice(place + 1) : (words[++at] ?? '');
    const equals = /[-c]/.test(word[place] ?? '') ? value.indexOf('=') : -1;
    if (equals < 0) continue;
    const name = value.slice(0, equals).replaceAll('-', '_').toLowerCase();
    settings.push({ name, value: value.slice(equals + 1) });
  }
  return settings;
}

/** Words apart by white space, in which a backslash takes the next character as it is. */
function splitOptions(options: string): string[] {
  const words = options.match(/(?:\\[\s\S]|[^\s\\])+/g) ?? [];
  return words.map((word) => word.replace(/\\([\s\S])/g, '$1'));
}

/** Parameters `_pq_.…`: a server answers those that it does not know with NegotiateProtocolVersion. */
export function protocolExtensions(message: StartupMessage): readonly StartupParameter[] {
  return message.parameters.filter(({ name }) => name.startsWith(EXTENSION));
}

export function startupMessage(
  out: Writer,
  protocolVersion: number,
  parameters: readonly { readonly name: string | Buffer; readonly value: string | Buffer }[],
): void {
  out.begin(null).int32(protocolVersion);
  for (const { name, value } of parameters) out.string(name).string(value);
  out.int8(0).end();
}

/**
 * The same startup for another user. The database that goes by the name of the user, where none is named, stays that of
 * the user who was asked for.
 */
export function startupAs(out: Writer, message: StartupMessage, user: string): void {
  const asked = startupParameter(message, 'user');
  const others = message.parameters.filter(({ name }) => name !== 'user');
  const database = others.some(({ name }) => name === 'database') || asked === null;
  startupMessage(out, message.protocolVersion, [
    { name: 'user', value: user },
    ...(database ? [] : [{ name: 'database', value: asked }]),
    ...others.map(({ name, value }) => ({ name: Buffer.from(name, 'latin1'), value })),
  ]);
}

export function sslRequest(out: Writer): void {
  out.begin(null).int32(SSL_REQUEST).end();
}

export function gssencRequest(out: Writer): void {
  out.begin(null).int32(GSSENC_REQUEST).end();
}

export function cancelRequest(out: Writer, processId: number, secretKey: Buffer): void {
  out.begin(null).int32(CANCEL_REQUEST).int32(processId).bytes(secretKey).end();
}
