/** The binary packet protocol (RFC 4253 section 6): payloads into packets, and packets out of what is read. */
import { randomFillSync } from 'node:crypto';
import { SshError } from '../errors.ts';
import { Disconnect } from '../numbers.ts';
import { PLAIN, type Protection } from './protection.ts';

/** OpenSSH's limit (PACKET_MAX_SIZE in its packet.c): a command may be as long as a packet. */
const MOST_LENGTH = 256 * 1024;
/** What there is room for from one packet to the next; those of streams are shorter. */
const MOST_KEPT = 64 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);
const LEAST_PADDING = 4;
/** Behind a packet's length and the length of its padding. */
const PAYLOAD_AT = 5;

export class PacketWriter {
  readonly #room: (length: number) => Buffer;
  #protection = PLAIN;
  /** Of the next packet. */
  seqno = 0;

  /** @param room where the next so many bytes go that are sent */
  constructor(room: (length: number) => Buffer) {
    this.#room = room;
  }

  /** From the next packet on. */
  protect(protection: Protection): void {
    this.free();
    this.#protection = protection;
  }

  write(payload: Buffer): void {
    const protection = this.#protection;
    const { block } = protection;
    const counted = (protection.countsLength ? PAYLOAD_AT : 1) + payload.length;
    let padding = block - (counted % block);
    if (padding < LEAST_PADDING) padding += block;
    const length = 1 + payload.length + padding;
    const packet = this.#room(4 + length + protection.tag);
    packet.writeUInt32BE(length, 0);
    packet[4] = padding;
    packet.set(payload, PAYLOAD_AT);
    pad(packet, PAYLOAD_AT + payload.length, padding);
    try {
      protection.seal(packet, length, this.seqno);
    } catch (error) {
      // It is about to be sent.
      packet.fill(0);
      throw error;
    }
    this.seqno = (this.seqno + 1) >>> 0;
  }

  free(): void {
    this.#protection.free();
  }
}

const noise = Buffer.allocUnsafeSlow(4096);
let used = noise.length;

function pad(packet: Buffer, at: number, length: number): void {
  if (used + length > noise.length) {
    randomFillSync(noise);
    used = 0;
  }
  noise.copy(packet, at, used, used + length);
  used += length;
}

export class PacketReader {
  #protection = PLAIN;
  /** Of the next packet. */
  seqno = 0;
  /** `packet_length` of the next packet, where it is known. */
  #length: number | null = null;
  /** The beginning of a packet whose rest is to come, and how much there is of it. */
  #kept = NOTHING;
  #have = 0;

  /** From the next packet on. */
  protect(protection: Protection): void {
    this.free();
    this.#protection = protection;
  }

  /**
   * Decrypts in place.
   * @param take gets each payload: a view that is good until it returns; false: nothing more is wanted
   * @throws SshError for a packet that is too long, or not authentic
   */
  read(data: Buffer, take: (payload: Buffer) => boolean): void {
    let at = 0;
    while (this.#have > 0 && at < data.length) {
      at += this.#keep(data, at);
      if (this.#length === null || this.#have < this.#whole(this.#length)) continue;
      const packet = this.#kept;
      if (packet.length > MOST_KEPT) this.#kept = NOTHING;
      this.#have = 0;
      if (!take(this.#open(packet, 0, this.#length))) return;
    }
    while (data.length - at >= this.#protection.lead) {
      this.#length ??= this.#lengthOf(data, at);
      const length = this.#length;
      const whole = this.#whole(length);
      if (data.length - at < whole) break;
      if (!take(this.#open(data, at, length))) return;
      at += whole;
    }
    if (at < data.length) this.#keep(data, at);
  }

  free(): void {
    this.#protection.free();
  }

  #whole(length: number): number {
    return 4 + length + this.#protection.tag;
  }

  /** As much as tells the length, then as much as that says. @returns how many bytes were taken */
  #keep(data: Buffer, at: number): number {
    const wanted = this.#length === null ? this.#protection.lead : this.#whole(this.#length);
    if (wanted > this.#kept.length) {
      const larger = Buffer.allocUnsafeSlow(wanted);
      this.#kept.copy(larger, 0, 0, this.#have);
      this.#kept = larger;
    }
    const taken = data.copy(this.#kept, this.#have, at, at + wanted - this.#have);
    this.#have += taken;
    if (this.#length === null && this.#have === wanted) this.#length = this.#lengthOf(this.#kept, 0);
    return taken;
  }

  #lengthOf(data: Buffer, at: number): number {
    const { block, countsLength } = this.#protection;
    const length = this.#protection.length(data, at, this.seqno);
    const counted = countsLength ? 4 + length : length;
    if (length > MOST_LENGTH || length < 1 + LEAST_PADDING || counted % block !== 0)
      throw broken(Disconnect.PROTOCOL_ERROR, `a packet of ${length} bytes`);
    return length;
  }

  #open(data: Buffer, at: number, length: number): Buffer {
    this.#length = null;
    if (!this.#protection.open(data, at, length, this.seqno))
      throw broken(Disconnect.MAC_ERROR, 'a packet that is not authentic');
    this.seqno = (this.seqno + 1) >>> 0;
    const padding = data[at + 4] ?? 0;
    if (padding < LEAST_PADDING || padding >= length)
      throw broken(Disconnect.PROTOCOL_ERROR, 'a packet padded wrongly');
    return data.subarray(at + PAYLOAD_AT, at + 4 + length - padding);
  }
}

function broken(reason: number, what: string): SshError {
  return new SshError(reason, `broke the protocol: ${what}`);
}
