/** The supervisor's end of a worker's socket for recordings: one frame after the other, each on the disk before the next. */
import type { Socket } from 'node:net';
import { adopt } from '../core/adopt.ts';
import type { Owner } from '../core/types.ts';
import {
  Ask,
  endingOf,
  type Frame,
  FrameError,
  FrameReader,
  frame,
  openingOf,
  type SegmentBody,
  segmentOf,
  Told,
} from './frames.ts';

/** A recording that is being written. */
export interface OpenRecording {
  /** @throws Error with why it is not kept, in words for a person; it is over then */
  segment(segment: SegmentBody): Promise<void>;
  /** @param reason why it ends before that does which it is of; null where that is over */
  end(reason: string | null): Promise<void>;
}

/** Where recordings are kept. */
export interface Archive {
  /** @throws Error with why there can be none, in words for a person */
  open(of: Owner, kind: string): Promise<OpenRecording>;
}

export interface ReceiverOptions {
  readonly archive: Archive;
  /** Whether the worker has this hop, or this login's shell, in hand. */
  has(of: Owner): boolean;
  /** The worker breaks the protocol, or what it sent cannot be dealt with: nothing more of it is taken. */
  onFault(message: string): void;
}

/** Of one worker at a time. */
const MOST_OPEN = 65_536;

/** What a socket of this kind holds, about. */
const READ = 256 * 1024;

export class Receiver {
  readonly #socket: Socket;
  readonly #options: ReceiverOptions;
  readonly #open = new Map<number, OpenRecording>();
  readonly #reader = new FrameReader();
  readonly #buffer = Buffer.allocUnsafeSlow(READ);
  #taking: Promise<void> = Promise.resolve();
  /** Resolves when the worker is gone and what it left is on record. */
  readonly done: Promise<void>;

  /** @param given paused, or nothing read; it is an empty shell afterwards */
  constructor(given: Socket, options: ReceiverOptions) {
    this.#options = options;
    // Into one buffer: what is made anew for each read is a collector's work, more than all else that is done with it.
    const callback = (bytes: number): boolean => {
      this.#taking = this.#take(this.#buffer.subarray(0, bytes));
      // Read no faster than this writes: so a slow disk holds the worker back.
      return false;
    };
    this.#socket = adopt(given, { buffer: this.#buffer, callback })?.socket ?? given;
    this.done = this.#run();
  }

  async #run(): Promise<void> {
    const socket = this.#socket;
    // A worker that is killed may leave a reset behind; all that it had sent has been read by then.
    socket.on('error', () => {});
    const over = new Promise<void>((resolve) => {
      if (socket.destroyed) resolve();
      socket.once('end', resolve).once('close', resolve);
    });
    socket.resume();
    await over;
    await this.#taking;
    socket.destroy();
    for (const recording of this.#open.values())
      await recording.end('the worker ended first').catch((error) => this.#fault(error));
    this.#open.clear();
  }

  async #take(chunk: Buffer): Promise<void> {
    if (await this.#chunk(chunk)) this.#socket.resume();
    else this.#socket.destroy();
  }

  /** @returns whether there may be more */
  async #chunk(chunk: Buffer): Promise<boolean> {
    try {
      for (const one of this.#reader.push(chunk)) await this.#asked(one);
      return true;
    } catch (error) {
      this.#fault(error);
      return false;
    }
  }

  /** Nothing more is taken: better no worker than one that waits for ever. */
  #fault(error: unknown): void {
    this.#options.onFault(`recordings: ${error instanceof Error ? error.message : String(error)}`);
  }

  /** @throws FrameError */
  async #asked(asked: Frame): Promise<void> {
    const { stream } = asked;
    if (asked.type === Ask.open) return this.#begin(asked);
    const recording = this.#open.get(stream);
    // It has failed, and the worker may not have heard of it.
    if (recording === undefined) return;
    if (asked.type === Ask.segment) await this.#segment(recording, asked);
    else if (asked.type === Ask.end) {
      this.#open.delete(stream);
      await recording.end(endingOf(asked).reason);
      this.#tell(Told.ended, stream);
    } else throw new FrameError(`a message of type ${asked.type}`);
  }

  async #begin(asked: Frame): Promise<void> {
    const { stream } = asked;
    const { of, kind } = openingOf(asked);
    if (!this.#options.has(of)) throw new FrameError('an opening for what it does not have');
    if (this.#open.has(stream) || this.#open.size >= MOST_OPEN) throw new FrameError('an opening too many');
    try {
      this.#open.set(stream, await this.#options.archive.open(of, kind));
      this.#tell(Told.opened, stream);
    } catch (error) {
      this.#tell(Told.failed, stream, error);
    }
  }

  async #segment(recording: OpenRecording, asked: Frame): Promise<void> {
    const segment = segmentOf(asked);
    try {
      await recording.segment(segment);
      this.#tell(Told.taken, asked.stream);
    } catch (error) {
      this.#open.delete(asked.stream);
      this.#tell(Told.failed, asked.stream, error);
    }
  }

  /** Bounded: there is one answer for each message, and the next message is read after it. */
  #tell(type: number, stream: number, error?: unknown): void {
    if (this.#socket.destroyed) return;
    const words = error === undefined ? '' : error instanceof Error ? error.message : String(error);
    this.#socket.write(frame(type, stream, words.slice(0, 512)));
  }
}
