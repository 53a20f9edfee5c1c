/** A recording as a worker writes it: records into batches, batches into segments, segments to the supervisor. */
import { Batch, FULL } from './batch.ts';
import { Compressor } from './compress.ts';
import { RECORD_MOST, SEGMENT_HEADER } from './format.ts';
import type { SegmentBody } from './frames.ts';

/** A record leaves the worker within a second. */
const FLUSH_MS = 500;
/** Bytes of one recording that are not in its file yet, beyond which whoever fills it has to wait. */
const BEHIND = 1 << 20;

export interface WriterEvents {
  /** What had to wait may go on. */
  onRelief(): void;
  /** Nothing more can be kept; once. */
  onFailure(reason: string): void;
}

/** The way to the supervisor. */
export interface Way {
  /** So much of all recordings together is under way that they wait. */
  readonly behind: boolean;
  /** @param written its bytes may be used for something else */
  segment(stream: number, segment: SegmentBody, written: () => void): void;
  end(stream: number, reason: string | null): void;
}

const NOTHING = Buffer.alloc(0);

export class RecordingWriter {
  readonly #stream: number;
  readonly #way: Way;
  readonly #most: number;
  readonly #events: WriterEvents;
  readonly #over = Promise.withResolvers<void>();
  /** Raw bytes of each segment that is on its way. */
  readonly #sent: number[] = [];
  #open = false;
  #batch: Batch | null = null;
  /** The last batch was as long as it may be: the next will be, too. */
  #bulk = false;
  readonly #compressor = new Compressor();
  #timer: NodeJS.Timeout | null = null;
  /** Raw bytes outside of the batch that are not in the file. */
  #waiting = 0;
  #stored = 0;
  #tail: Promise<void> = Promise.resolve();
  #failure: string | null = null;
  #ending = false;
  #held = false;

  /** @param most bytes that its file may have, about */
  constructor(stream: number, way: Way, most: number, events: WriterEvents) {
    this.#stream = stream;
    this.#way = way;
    this.#most = most;
    this.#events = events;
  }

  /**
   * Whether what is written would wait in memory: whoever fills the recording stops until `onRelief`. So it is from
   * the beginning until there is a file: what turns out not to be recordable has not been shown to anybody by then.
   */
  mustWait(): boolean {
    this.#held = this.#behind;
    return this.#held;
  }

  /** The file is as long as it may be: `write` takes nothing more. */
  get full(): boolean {
    return this.#stored >= this.#most;
  }

  /** Bytes of the file, with those that are on their way. */
  get stored(): number {
    return this.#stored;
  }

  /** Resolves when it has ended: all of it is in the file, or cannot be. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  get failure(): string | null {
    return this.#failure;
  }

  /**
   * Copies one record of the recording's kind: `head` and `bytes`, together at most RECORD_MOST.
   * @returns false where it is not kept: the recording is full, has failed, or is over
   */
  write(type: number, head: Buffer, bytes: Buffer = NOTHING): boolean {
    if (this.#failure !== null || this.#ending || this.full) return false;
    const length = head.length + bytes.length;
    if (length > RECORD_MOST) throw new RangeError(`a record of ${length} bytes`);
    const now = performance.now();
    if (this.#batch?.takes(length, now) === false) {
      this.#bulk = this.#batch.length > FULL / 2;
      this.#flush();
    }
    if (this.#batch === null) {
      this.#batch = new Batch(now, this.#bulk);
      this.#timer = setTimeout(() => {
        this.#bulk = false;
        this.#flush();
      }, FLUSH_MS);
    }
    this.#batch.add(type, head, bytes, now);
    return true;
  }

  /**
   * @param reason why it ends before the hop does; null where that is over
   * @returns `over`
   */
  end(reason: string | null): Promise<void> {
    if (this.#ending || this.#failure !== null) return this.#over.promise;
    this.#flush();
    this.#ending = true;
    this.#tail = this.#tail.then(() => {
      if (this.#failure === null) this.#way.end(this.#stream, reason);
    });
    return this.#over.promise;
  }

  /** From the way: there is a file. */
  opened(): void {
    this.#open = true;
    this.relieve();
  }

  /**
   * From the way: the oldest segment that was sent is in the file.
   * @returns its raw bytes
   */
  taken(): number {
    const raw = this.#sent.shift() ?? 0;
    this.#waiting -= raw;
    return raw;
  }

  /** From the way, where something is under way no more. */
  relieve(): void {
    if (!this.#held || this.#behind) return;
    this.#held = false;
    this.#events.onRelief();
  }

  /** From the way: all of it is in the file. */
  ended(): void {
    this.#over.resolve();
  }

  /** From the way: it can't be kept. @returns raw bytes that were under way */
  failed(reason: string): number {
    if (this.#failure !== null) return 0;
    this.#failure = reason;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#batch = null;
    const lost = this.#sent.splice(0).reduce((sum, raw) => sum + raw, 0);
    this.#over.resolve();
    this.#events.onFailure(reason);
    this.relieve();
    return lost;
  }

  get #behind(): boolean {
    if (this.#failure !== null || this.#ending) return false;
    return !this.#open || this.#waiting + (this.#batch?.length ?? 0) > BEHIND || this.#way.behind;
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const batch = this.#batch;
    this.#batch = null;
    if (batch === null) return;
    this.#waiting += batch.length;
    this.#tail = this.#tail.then(() => this.#send(batch));
  }

  async #send(batch: Batch): Promise<void> {
    if (this.#failure !== null) return;
    const { at, bytes: raw } = batch;
    const { length } = raw;
    const { codec, bytes, release } = await this.#compressor.make(raw);
    const written = bytes === raw ? (): void => batch.recycle() : release;
    if (bytes !== raw) batch.recycle();
    if (this.#failure !== null) return written();
    this.#sent.push(length);
    this.#stored += SEGMENT_HEADER + bytes.length;
    this.#way.segment(this.#stream, { at, codec, raw: length, bytes }, written);
  }
}
