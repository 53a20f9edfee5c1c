/**
 * Cuts one direction's bytes into messages (PostgreSQL 18 manual, 54.2 Message Flow), after the startup packet. What
 * nobody looks at is handed on in as few pieces as it came, uncopied.
 */
import { ProtocolError } from './errors.ts';
import type { Limits } from './limits.ts';

/**
 * `forward`: goes on unseen. `tap`: goes on the same way, apart from what is not tapped. `whole`: kept up to its cap,
 * and handed over at once. `stream`: handed over piece by piece as it arrives. `drop`: goes nowhere.
 */
export type Disposition = 'forward' | 'tap' | 'whole' | 'stream' | 'drop';

/**
 * What is called with the bytes, in their order. Every Buffer is the framer's, or the caller's chunk: it is valid
 * until the call returns, and what has to outlive that is to be copied. An error thrown ends the framer, and leaves
 * `push`.
 */
export interface FrameHandler {
  /**
   * A header is whole, its length plausible for its type. Bytes that were decided `forward` before may still be on
   * their way to `forward()`: write nothing from here.
   * @param length the length field: it counts itself, not the type byte
   */
  begin(type: number, length: number): Disposition;
  /**
   * Bytes of one or many messages, whole or not, that lay together in one chunk.
   * @param tapped all of them were decided `tap`; else all `forward`
   */
  forward(bytes: Buffer, tapped: boolean): void;
  /** @param message from the type byte on */
  whole(type: number, message: Buffer): void;
  /**
   * @param bytes some of the message, from the type byte on; the first piece holds at least the header
   * @param offset where in the message they begin
   */
  piece(type: number, bytes: Buffer, offset: number, last: boolean): void;
}

const HEADER = 5;
const EMPTY = Buffer.alloc(0);

function flows(mode: Disposition | null): boolean {
  return mode === 'forward' || mode === 'tap';
}

export class Framer {
  readonly #handler: FrameHandler;
  readonly #limits: Limits;
  /** Of the message that is under way; null between two. */
  #mode: Disposition | null = null;
  #type = 0;
  /** Of the message, with its type byte; how much of it is dealt with. */
  #size = 0;
  #done = 0;
  /** A `whole` message that came in several chunks. */
  #store: Buffer | null = null;
  /** A header that came in several chunks. */
  #header: Buffer | null = null;
  #headerLength = 0;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #paused = false;
  #busy = false;
  #failure: { error: unknown } | null = null;

  constructor(handler: FrameHandler, limits: Limits) {
    this.#handler = handler;
    this.#limits = limits;
  }

  /**
   * Hands over what `chunk` has; while paused it is copied and waits.
   * @returns false while paused: the caller stops reading until `resume`
   * @throws ProtocolError where the bytes are no messages of this direction; what came before is handed over by then.
   *   After that, and after an error of the handler, every call throws the same.
   */
  push(chunk: Buffer): boolean {
    if (this.#failure !== null) throw this.#failure.error;
    if (this.#paused || this.#busy) this.#wait(chunk);
    else this.#run(chunk);
    return !this.#paused;
  }

  /**
   * Nothing more is handed over and no message begun until `resume`, but for bytes from before the current call that
   * were decided `forward` and not yet handed over. Called from `begin`, it stops before that message's first byte,
   * and `begin` is not asked about it again.
   */
  pause(): void {
    this.#paused = true;
  }

  /**
   * Hands over what waited, until it is all or `pause` is called again.
   * @throws as `push`
   */
  resume(): void {
    if (this.#failure !== null) throw this.#failure.error;
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.#busy) this.#run(EMPTY);
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Whether what was handed over ends with the end of a message, so that another may be written in between. */
  get boundary(): boolean {
    return !(flows(this.#mode) || this.#mode === 'stream') || this.#done === 0;
  }

  /** Bytes kept: of a header, of a `whole` message, and what waits. At the end of input it is 0, on a `boundary`. */
  get kept(): number {
    return (this.#store === null ? 0 : this.#done) + this.#headerLength + this.#waitingBytes;
  }

  #wait(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes > this.#limits.waiting)
      this.#fail(
        new ProtocolError('waiting', 'paused', `more than ${this.#limits.waiting} bytes came meanwhile`),
      );
    this.#waiting.push(Buffer.from(chunk));
  }

  #run(given: Buffer): void {
    let chunk = given;
    let lent = true;
    this.#busy = true;
    try {
      for (;;) {
        const used = this.#consume(chunk);
        chunk = used === chunk.length ? EMPTY : chunk.subarray(used);
        if (this.#paused) {
          if (chunk.length > 0) {
            this.#waiting.unshift(lent ? Buffer.from(chunk) : chunk);
            this.#waitingBytes += chunk.length;
          }
          return;
        }
        if (chunk.length > 0) continue;
        const next = this.#waiting.shift();
        if (next === undefined) return;
        this.#waitingBytes -= next.length;
        chunk = next;
        lent = false;
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#busy = false;
    }
  }

  #fail(error: unknown): never {
    this.#failure ??= { error };
    this.#store = null;
    this.#waiting = [];
    throw error;
  }

  /** @returns how many bytes were dealt with: all, unless it was paused, be it for a moment */
  #consume(chunk: Buffer): number {
    const { least, most } = this.#limits;
    const handler = this.#handler;
    const end = chunk.length;
    let at = 0;
    if (this.#header !== null) {
      at = this.#join(this.#header, chunk);
      if (this.#header !== null) return at;
    }
    /** From here to `at` bytes go forward, and are not handed over yet. */
    let run = at;
    let tapped = this.#mode === 'tap';
    try {
      while (!this.#paused) {
        if (this.#mode === null) {
          if (end - at < HEADER) break;
          const type = chunk[at] as number;
          const length = chunk.readInt32BE(at + 1);
          if (length < (least[type] as number) || length > (most[type] as number))
            throw this.#wrong(type, length);
          const mode = handler.begin(type, length);
          const next = at + 1 + length;
          if (flows(mode) && tapped !== (mode === 'tap')) {
            const from = run;
            run = at;
            if (from < at) handler.forward(chunk.subarray(from, at), tapped);
            tapped = mode === 'tap';
          }
          if (flows(mode) && next <= end && !this.#paused) at = next;
          else this.#start(type, length, mode);
          continue;
        }
        if (at === end) break;
        const next = Math.min(end, at + this.#size - this.#done);
        if (flows(this.#mode)) {
          this.#done += next - at;
          if (this.#done === this.#size) this.#mode = null;
          at = next;
        } else if (run < at) {
          const from = run;
          run = at;
          handler.forward(chunk.subarray(from, at), tapped);
        } else {
          const from = at;
          at = run = next;
          this.#deliver(chunk.subarray(from, next));
        }
      }
    } finally {
      if (run < at) handler.forward(run === 0 && at === end ? chunk : chunk.subarray(run, at), tapped);
    }
    const left = end - at;
    if (this.#paused || this.#mode !== null || left === 0 || left >= HEADER) return at;
    this.#header = Buffer.allocUnsafe(HEADER);
    this.#headerLength = chunk.copy(this.#header, 0, at);
    return end;
  }

  /** @returns how many bytes of the chunk belong to the header, which is `null` when it is whole and handed over */
  #join(header: Buffer, chunk: Buffer): number {
    const used = chunk.copy(header, this.#headerLength);
    this.#headerLength += used;
    if (this.#headerLength < HEADER) return used;
    if (this.#mode === null) {
      const type = header[0] as number;
      const length = header.readInt32BE(1);
      if (length < (this.#limits.least[type] as number) || length > (this.#limits.most[type] as number))
        throw this.#wrong(type, length);
      this.#start(type, length, this.#handler.begin(type, length));
      if (this.#paused) return used;
    }
    this.#header = null;
    this.#headerLength = 0;
    this.#deliver(header);
    return used;
  }

  #start(type: number, length: number, mode: Disposition): void {
    const cap = this.#limits.whole[type] as number;
    if (mode === 'whole' && length > cap)
      throw new ProtocolError(
        'too_long',
        this.#limits.name(type),
        `${length} bytes, where ${cap} are kept at most`,
      );
    this.#mode = mode;
    this.#type = type;
    this.#size = length + 1;
    this.#done = 0;
  }

  #deliver(bytes: Buffer): void {
    const mode = this.#mode;
    const offset = this.#done;
    this.#done += bytes.length;
    const last = this.#done === this.#size;
    if (last) this.#mode = null;
    if (flows(mode)) this.#handler.forward(bytes, mode === 'tap');
    else if (mode === 'stream') this.#handler.piece(this.#type, bytes, offset, last);
    else if (mode === 'whole') {
      const message = offset === 0 && last ? bytes : this.#keep(bytes, offset);
      if (!last) return;
      this.#store = null;
      this.#handler.whole(this.#type, message);
    }
  }

  /** Grows with what has arrived, at most to twice of it: a length that is only claimed costs nothing. */
  #keep(bytes: Buffer, offset: number): Buffer {
    const needed = offset + bytes.length;
    let store = this.#store;
    if (store === null || store.length < needed) {
      store = Buffer.allocUnsafe(Math.min(this.#size, Math.max(2 * needed, 512)));
      this.#store?.copy(store, 0, 0, offset);
      this.#store = store;
    }
    bytes.copy(store, offset);
    return store;
  }

  #wrong(type: number, length: number): ProtocolError {
    const name = this.#limits.name(type);
    const most = this.#limits.most[type] as number;
    if (most === 0) return new ProtocolError('type', name, 'no message of this direction');
    const bounds = `${this.#limits.least[type]} to ${most}`;
    return new ProtocolError('length', name, `a length of ${length}, where it can be ${bounds}`);
  }
}
