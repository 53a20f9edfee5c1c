/** How the packets of one direction are encrypted and authenticated (RFC 4253 section 6). */

/** One direction, with keys of one exchange. It either seals or opens. */
export interface Protection {
  /** What is encrypted is a multiple of so many bytes. */
  readonly block: number;
  /** Whether the length of the packet is part of what is a multiple of that. */
  readonly countsLength: boolean;
  /** Bytes of a packet that tell its length. */
  readonly lead: number;
  /** Bytes behind the packet. */
  readonly tag: number;
  /** In place. @param packet a whole one, with room for the tag behind it. @param length its `packet_length` */
  seal(packet: Buffer, length: number, seqno: number): void;
  /** Once for each packet, before `open`. @returns `packet_length`, which is as the peer has it: any number */
  length(data: Buffer, at: number, seqno: number): number;
  /** In place. @returns false where it is not authentic; then nothing of it is to be believed */
  open(data: Buffer, at: number, length: number, seqno: number): boolean;
  /** Keys are let go of. */
  free(): void;
}

/** What the key exchange gives for one direction. */
export interface DirectionKeys {
  readonly cipher: string;
  /** Ignored by ciphers that authenticate by themselves. */
  readonly mac: string;
  /** @param purpose which of the derived values */
  derive(purpose: 'iv' | 'key' | 'mac', length: number): Buffer;
}

/** Before there are keys. */
export const PLAIN: Protection = {
  block: 8,
  countsLength: true,
  lead: 4,
  tag: 0,
  seal() {},
  length: (data, at) => data.readUInt32BE(at),
  open: () => true,
  free() {},
};
