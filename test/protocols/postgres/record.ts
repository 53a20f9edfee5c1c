/** A handler that writes down what it is called with, so that two runs can be compared. */
import { type Disposition, type FrameHandler, Framer } from '../../../src/protocols/postgres/frame.ts';
import type { Limits } from '../../../src/protocols/postgres/limits.ts';

export type Choose = (type: number, length: number, index: number) => Disposition;

export interface Event {
  readonly call: 'begin' | 'forward' | 'tap' | 'whole' | 'piece' | 'error';
  readonly type?: number;
  readonly length?: number;
  bytes?: Buffer;
  last?: boolean;
  readonly error?: string;
}

export class Recorder implements FrameHandler {
  readonly events: Event[] = [];
  /** Called after each event; may pause. */
  after: ((event: Event) => void) | null = null;
  readonly #choose: Choose;
  #index = 0;
  #next = 0;

  constructor(choose: Choose) {
    this.#choose = choose;
  }

  begin(type: number, length: number): Disposition {
    this.#add({ call: 'begin', type, length });
    this.#index += 1;
    return this.#choose(type, length, this.#index - 1);
  }

  forward(bytes: Buffer, tapped: boolean): void {
    this.#add({ call: tapped ? 'tap' : 'forward', bytes: Buffer.from(bytes) });
  }

  whole(type: number, message: Buffer): void {
    this.#add({ call: 'whole', type, bytes: Buffer.from(message) });
  }

  piece(type: number, bytes: Buffer, offset: number, last: boolean): void {
    if (offset !== this.#next) throw new Error(`a piece at ${offset}, where ${this.#next} comes next`);
    if (offset === 0 && bytes.length < 5) throw new Error('a first piece without the header');
    this.#next = last ? 0 : offset + bytes.length;
    this.#add({ call: 'piece', type, bytes: Buffer.from(bytes), last });
  }

  #add(event: Event): void {
    this.events.push(event);
    this.after?.(event);
  }
}

/**
 * The same for every way to cut the bytes: pieces joined, and of the calls only their order among those that hand
 * bytes over; `begin` keeps its own.
 */
export function normal(events: readonly Event[]): { begun: Event[]; handed: Event[] } {
  const handed: Event[] = [];
  for (const event of events) {
    if (event.call === 'begin') continue;
    const before = handed.at(-1);
    const joins = before !== undefined && before.call === event.call && before.bytes && event.bytes;
    const same =
      event.call === 'forward' || event.call === 'tap' || (event.call === 'piece' && before?.last === false);
    if (joins && same && before.bytes && event.bytes) {
      before.bytes = Buffer.concat([before.bytes, event.bytes]);
      if (event.last !== undefined) before.last = event.last;
    } else handed.push({ ...event });
  }
  return { begun: events.filter(({ call }) => call === 'begin'), handed };
}

/** Pushes the chunks, each from memory that is overwritten after the call, and records an error as the last event. */
export function play(
  chunks: readonly Buffer[],
  choose: Choose,
  limits: Limits,
  pausing?: (framer: Framer, event: Event) => void,
): Recorder {
  const recorder = new Recorder(choose);
  const framer = new Framer(recorder, limits);
  if (pausing) recorder.after = (event) => pausing(framer, event);
  try {
    for (const chunk of chunks) {
      const lent = Buffer.from(chunk);
      framer.push(lent);
      lent.fill(0xee);
    }
    while (framer.paused) framer.resume();
  } catch (error) {
    recorder.events.push({ call: 'error', error: String(error) });
  }
  return recorder;
}

/** The bytes cut at these places. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places, bytes.length];
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}
