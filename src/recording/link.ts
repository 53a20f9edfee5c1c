/** A worker's end of the socket to its supervisor: recordings by their number. */
import type { Socket } from 'node:net';
import type { Owner } from '../core/types.ts';
import {
  Ask,
  type Frame,
  FrameReader,
  frame,
  type SegmentBody,
  segmentFrame,
  Told,
  wordsOf,
} from './frames.ts';
import { RecordingWriter, type Way, type WriterEvents } from './writer.ts';

/** Bytes of all recordings that are not in their files yet: what a slow disk may make a worker keep. */
const BEHIND = 64 << 20;
const LAST = 0xffff_ffff;

export class RecordingLink implements Way {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #writers = new Map<number, RecordingWriter>();
  #next = 1;
  #underWay = 0;
  #gone: string | null = null;

  /** @param socket to the supervisor's Receiver */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => {});
    socket.on('close', () => this.#lost('the supervisor takes no recordings any more'));
  }

  /** The supervisor is. */
  get gone(): boolean {
    return this.#gone !== null;
  }

  get behind(): boolean {
    return this.#underWay > BEHIND;
  }

  /**
   * @param kind what its records are: `rows`, `terminal`, …
   * @param most bytes that its file may have, about
   */
  open(of: Owner, kind: string, most: number, events: WriterEvents): RecordingWriter {
    const stream = this.#next;
    this.#next = stream === LAST ? 1 : stream + 1;
    const writer = new RecordingWriter(stream, this, most, events);
    const gone = this.#gone;
    if (gone !== null) queueMicrotask(() => writer.failed(gone));
    else {
      this.#writers.set(stream, writer);
      this.#socket.write(frame(Ask.open, stream, JSON.stringify({ ...of, kind })));
    }
    return writer;
  }

  segment(stream: number, segment: SegmentBody, written: () => void): void {
    this.#underWay += segment.raw;
    const [head, bytes] = segmentFrame(stream, segment);
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(bytes, written);
    this.#socket.uncork();
  }

  end(stream: number, reason: string | null): void {
    this.#socket.write(frame(Ask.end, stream, JSON.stringify({ reason })));
  }

  #take(chunk: Buffer): void {
    for (const told of this.#reader.push(chunk)) this.#told(told);
  }

  #told(told: Frame): void {
    const writer = this.#writers.get(told.stream);
    if (writer === undefined) return;
    switch (told.type) {
      case Told.opened:
        writer.opened();
        return;
      case Told.taken:
        this.#relieve(writer, writer.taken());
        return;
      case Told.ended:
        this.#writers.delete(told.stream);
        writer.ended();
        return;
      case Told.failed:
        this.#writers.delete(told.stream);
        this.#relieve(writer, writer.failed(wordsOf(told)));
    }
  }

  #relieve(writer: RecordingWriter, raw: number): void {
    const before = this.behind;
    this.#underWay -= raw;
    if (before && !this.behind) for (const one of this.#writers.values()) one.relieve();
    else writer.relieve();
  }

  #lost(reason: string): void {
    this.#gone = reason;
    const all = [...this.#writers.values()];
    this.#writers.clear();
    for (const writer of all) writer.failed(reason);
  }
}
