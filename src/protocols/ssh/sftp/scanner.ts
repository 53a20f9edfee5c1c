/** Packets of a stream, in whatever pieces it comes: the head of each at once, the rest as it passes. Holds a head at most. */
import { SshError } from '../errors.ts';
import { Disconnect } from '../numbers.ts';

export interface Packets {
  /** Bytes to have at once of a packet, its length included; throws where it may not be so long. */
  headOf(type: number, total: number): number;
  /** @param head good until this returns. @param total bytes of the packet, its length included */
  packet(head: Buffer, total: number): void;
  /** What follows the head; a view. */
  rest(data: Buffer): void;
  /** The packet is over. */
  end(): void;
}

/** SFTP_MAX_MSG_LENGTH in OpenSSH's sftp-common.h. */
const LONGEST = 256 * 1024;
/** The length, and the type. */
const START = 5;

export class Scanner {
  readonly #packets: Packets;
  #head = Buffer.alloc(START);
  #have = 0;
  #need = START;
  #total = 0;
  /** Bytes of the packet that are still to come behind its head. */
  #left = 0;

  constructor(packets: Packets) {
    this.#packets = packets;
  }

  /** Set by a packet: what follows it is not taken. */
  paused = false;

  /** No packet has begun, or the last one is over. */
  get atBoundary(): boolean {
    return this.#have === 0 && this.#left === 0;
  }

  /** @returns how much of it is taken: all, unless it was paused. @throws SshError */
  push(data: Buffer): number {
    let at = 0;
    while (at < data.length && !this.paused) {
      if (this.#left > 0) {
        const part = data.subarray(at, at + this.#left);
        at += part.length;
        this.#left -= part.length;
        this.#packets.rest(part);
        if (this.#left === 0) this.#packets.end();
        continue;
      }
      const part = data.subarray(at, at + this.#need - this.#have);
      part.copy(this.#head, this.#have);
      at += part.length;
      this.#have += part.length;
      if (this.#have === this.#need) this.#filled();
    }
    return at;
  }

  #filled(): void {
    if (this.#need === START && this.#total === 0) {
      const length = this.#head.readUInt32BE();
      if (length < 1 || length > LONGEST)
        throw new SshError(Disconnect.PROTOCOL_ERROR, `sftp: a packet of ${length} bytes`);
      this.#total = 4 + length;
      this.#need = Math.max(
        START,
        Math.min(this.#total, this.#packets.headOf(this.#head.readUInt8(4), this.#total)),
      );
      if (this.#need > this.#head.length) {
        const larger = Buffer.alloc(this.#need);
        this.#head.copy(larger, 0, 0, START);
        this.#head = larger;
      }
      if (this.#need > START) return;
    }
    const total = this.#total;
    const head = this.#head.subarray(0, this.#need);
    this.#left = total - this.#need;
    this.#have = 0;
    this.#need = START;
    this.#total = 0;
    this.#packets.packet(head, total);
    if (this.#left === 0) this.#packets.end();
  }
}
