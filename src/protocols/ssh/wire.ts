/**
 * The socket under a link. All connections read into one buffer, where packets are decrypted as well; packets to send are
 * made in the buffer that they are sent from, and all that a turn made goes with one system call.
 */
import type { Socket } from 'node:net';
import { adopt } from '../../core/adopt.ts';
import { borrow, giveBack } from '../tcp/buffers.ts';

/** One is enough: what is read is dealt with before the next read of anyone. */
const READ = Buffer.allocUnsafeSlow(256 * 1024);
/** What a buffer that is lent is filled up to: what is in the processor's cache is sent fastest. */
const MOST_SENT = 256 * 1024;
/** From such a packet on more of them are to be expected. */
const BULK = 8 * 1024;
const FEW = 1024;
const NOTHING = Buffer.alloc(0);

/** Those that have something to send. */
const waiting: Wire[] = [];

/** Sends what waits. */
export function flush(): void {
  for (let wire = waiting.pop(); wire !== undefined; wire = waiting.pop()) wire.send();
}

export class Wire {
  readonly socket: Socket;
  #take: (data: Buffer) => void = () => {};
  #piece: Buffer = NOTHING;
  #most = 0;
  #used = 0;
  #lent = false;
  #waits = false;

  /** @param given paused, nothing read; it is an empty shell afterwards, or was closed already */
  constructor(given: Socket) {
    const callback = (bytes: number): boolean => {
      this.#take(READ.subarray(0, bytes));
      return true;
    };
    this.socket = adopt(given, { buffer: READ, callback })?.socket ?? given;
  }

  /** @param take gets a view that is good until it returns, and may be written to */
  listen(take: (data: Buffer) => void): void {
    this.#take = take;
  }

  /** Whether what is written has to wait here for the peer. */
  get congested(): boolean {
    return this.socket.writableLength > 0 && this.socket.writableNeedDrain;
  }

  /** @returns where the next so many bytes go that are sent: on `flush`, or when this turn is over */
  room(length: number): Buffer {
    if (this.#used + length > this.#most) {
      this.#write();
      this.#begin(length);
    }
    const at = this.#used;
    this.#used += length;
    if (!this.#waits) {
      this.#waits = true;
      if (waiting.push(this) === 1) process.nextTick(flush);
    }
    return this.#piece.subarray(at, this.#used);
  }

  send(): void {
    this.#waits = false;
    this.#write();
  }

  #begin(length: number): void {
    const lent = length < BULK || length > MOST_SENT ? null : borrow();
    this.#lent = lent !== null;
    this.#piece = lent ?? Buffer.allocUnsafe(Math.max(length, FEW));
    this.#most = Math.max(length, Math.min(this.#piece.length, MOST_SENT));
  }

  #write(): void {
    const [piece, length, lent] = [this.#piece, this.#used, this.#lent];
    this.#piece = NOTHING;
    this.#most = 0;
    this.#used = 0;
    this.#lent = false;
    const settle = lent ? () => giveBack(piece) : undefined;
    if (length === 0) return;
    if (this.socket.writable) this.socket.write(piece.subarray(0, length), settle);
    else settle?.();
  }
}
