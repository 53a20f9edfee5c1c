/**
 * The first message of a TLS client, read before it is answered: TLS 1.3 (RFC 8446) section 4.1.2, server name RFC 6066
 * section 3, ALPN RFC 7301. Tells direct TLS (PostgreSQL 17: ALPN `postgresql`) from a protocol's own first bytes.
 */

export interface ClientHello {
  /** As it was sent, if it was. Not checked in any way. */
  readonly serverName: string | null;
  /** Protocols in the order of preference; empty where the extension is not there. */
  readonly alpn: readonly string[];
}

/** `incomplete`: so far it may be one; `other`: it is none. */
export type HelloResult =
  | { readonly state: 'hello'; readonly hello: ClientHello }
  | { readonly state: 'incomplete' }
  | { readonly state: 'other'; readonly reason: string };

const HANDSHAKE_RECORD = 0x16;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const ALPN = 16;
const RECORD_HEADER = 5;
/** TLSPlaintext.length (section 5.1). */
const MAX_RECORD = 1 << 14;
/** A hello of several records is legal; post-quantum key shares make 2 kB, and nothing makes 32. */
const MAX_HELLO = 1 << 15;

/** Whether a connection that begins with this byte speaks TLS from the start; no PostgreSQL startup packet does. */
export function startsTls(first: number): boolean {
  return first === HANDSHAKE_RECORD;
}

/** @param bytes everything that the client has sent so far */
export function readClientHello(bytes: Buffer): HelloResult {
  try {
    const message = handshake(bytes);
    return message === null
      ? { state: 'incomplete' }
      : { state: 'hello', hello: clientHello(new Reader(message)) };
  } catch (error) {
    if (error instanceof Malformed) return { state: 'other', reason: error.message };
    throw error;
  }
}

/** Told apart by this file alone. */
class Malformed extends Error {}

/** The body of the first handshake message, out of its records; null where it is not all there. */
function handshake(bytes: Buffer): Buffer | null {
  const parts: Buffer[] = [];
  let have = 0;
  for (let at = 0; ; ) {
    const header = bytes.subarray(at, at + RECORD_HEADER);
    if ((header[0] ?? HANDSHAKE_RECORD) !== HANDSHAKE_RECORD)
      throw new Malformed('not a TLS handshake record');
    if ((header[1] ?? 3) !== 3) throw new Malformed('not a TLS record version');
    if (header.length < RECORD_HEADER) return null;
    const length = header.readUInt16BE(3);
    if (length === 0 || length > MAX_RECORD) throw new Malformed(`a record of ${length} bytes`);
    at += RECORD_HEADER;
    parts.push(bytes.subarray(at, at + length));
    have += Math.min(length, bytes.length - at);
    if (have >= 4) {
      const message = Buffer.concat(parts);
      if (message[0] !== CLIENT_HELLO) throw new Malformed(`handshake message ${message[0]} comes first`);
      const size = message.readUIntBE(1, 3);
      if (size > MAX_HELLO) throw new Malformed(`a hello of ${size} bytes`);
      if (have >= 4 + size) return message.subarray(4, 4 + size);
    }
    if (have > MAX_HELLO + 4) throw new Malformed('more records than a hello has');
    at += length;
    if (at >= bytes.length) return null;
  }
}

function clientHello(reader: Reader): ClientHello {
  reader.take(2 + 32);
  reader.vector(1);
  reader.vector(2);
  reader.vector(1);
  let serverName: string | null = null;
  let alpn: string[] = [];
  const extensions = reader.done ? new Reader(Buffer.alloc(0)) : new Reader(reader.vector(2));
  while (!extensions.done) {
    const type = extensions.uint16();
    const body = new Reader(extensions.vector(2));
    if (type === SERVER_NAME) serverName = hostName(new Reader(body.vector(2)));
    if (type === ALPN) alpn = protocols(new Reader(body.vector(2)));
  }
  return { serverName, alpn };
}

function hostName(list: Reader): string | null {
  while (!list.done) {
    const type = list.take(1)[0];
    const name = list.vector(2);
    if (type === 0) return name.toString('latin1');
  }
  return null;
}

function protocols(list: Reader): string[] {
  const found: string[] = [];
  while (!list.done) found.push(list.vector(1).toString('latin1'));
  return found;
}

/** The presentation language of section 3, within one buffer. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  uint16(): number {
    return this.take(2).readUInt16BE();
  }

  /** A variable-length vector whose length takes so many bytes. */
  vector(lengthBytes: 1 | 2): Buffer {
    return this.take(this.take(lengthBytes).readUIntBE(0, lengthBytes));
  }

  take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at)
      throw new Malformed('a field that is longer than what holds it');
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }
}
