/** The digest of a file's content as it goes by, in pieces that may come out of their order. */
import { createHash } from 'node:crypto';

/** What pieces that came before their turn may cost, of all files of a session: bytes. */
export interface Room {
  left: number;
}

/** Clients have up to 64 requests of 32 kB under way for a file. */
export const room = (): Room => ({ left: 8 << 20 });
/** A piece that is further ahead leaves a gap that nobody fills. */
const AHEAD = 4 << 20;
/** Of a piece, beside its data. */
const PIECE = 256;

export class Content {
  readonly #hash = createHash('sha256');
  readonly #room: Room;
  /** Bytes from the beginning that the digest is of. */
  #hashed = 0;
  readonly #ahead = new Map<number, Buffer>();
  /** It cannot be told what the content is. */
  #lost = false;
  /** All that passed. */
  bytes = 0;

  constructor(room: Room) {
    this.#room = room;
  }

  /** @param data a view, which is copied where it is kept */
  add(offset: bigint, data: Buffer): void {
    this.bytes += data.length;
    if (this.#lost || data.length === 0) return;
    const at = Number(offset);
    if (at > this.#hashed) this.#keep(at, data);
    else if (at < this.#hashed) this.#lose();
    else {
      let next: Buffer | undefined = data;
      while (next !== undefined) {
        this.#hash.update(next);
        this.#hashed += next.length;
        next = this.#waiting();
      }
    }
  }

  /** Nothing more comes; once. @returns what the record has of it */
  end(): Readonly<Record<string, unknown>> {
    const whole = !this.#lost && this.#ahead.size === 0;
    this.#lose();
    return { bytes: this.bytes, ...(whole ? { sha256: this.#hash.digest('hex') } : { ordered: false }) };
  }

  /** What came before its turn, which has come. */
  #waiting(): Buffer | undefined {
    const piece = this.#ahead.get(this.#hashed);
    if (piece === undefined) return undefined;
    this.#ahead.delete(this.#hashed);
    this.#room.left += piece.length + PIECE;
    return piece;
  }

  #keep(at: number, data: Buffer): void {
    if (at - this.#hashed > AHEAD || this.#ahead.has(at) || data.length + PIECE > this.#room.left) {
      this.#lose();
      return;
    }
    this.#room.left -= data.length + PIECE;
    this.#ahead.set(at, Buffer.from(data));
  }

  #lose(): void {
    this.#lost = true;
    for (const piece of this.#ahead.values()) this.#room.left += piece.length + PIECE;
    this.#ahead.clear();
  }
}
