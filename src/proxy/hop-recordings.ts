/** A hop's recordings, by the terms in force as each begins. */
import type { Decision, OutputKept } from '../core/types.ts';
import type { Recordings } from '../protocols/room.ts';
import type { RecordingLink } from '../recording/link.ts';
import type { RecordingWriter, WriterEvents } from '../recording/writer.ts';
import type { Channel } from './channel.ts';
import { outputKept } from './recording-terms.ts';

export class HopRecordings implements Recordings {
  readonly #hop: string;
  readonly #channel: Channel;
  readonly #link: RecordingLink;
  readonly #open = new Set<RecordingWriter>();

  constructor(hop: string, channel: Channel, link: RecordingLink) {
    this.#hop = hop;
    this.#channel = channel;
    this.#link = link;
  }

  rows({ record }: Decision): number {
    const rows = record ?? this.#channel.snapshot.recording.rows;
    return rows === 'all' ? Number.POSITIVE_INFINITY : rows;
  }

  terminal({ record }: Decision): OutputKept {
    return outputKept(record, this.#channel.snapshot.recording.terminals);
  }

  get onFailure(): 'end' | 'continue' {
    return this.#channel.snapshot.recording.onFailure;
  }

  open(kind: string, events: WriterEvents): RecordingWriter {
    const writer = this.#link.open(
      { hop: this.#hop },
      kind,
      this.#channel.snapshot.recording.maxBytes,
      events,
    );
    this.#open.add(writer);
    void writer.over.then(() => this.#open.delete(writer));
    return writer;
  }

  /** The hop is over. @returns when all of it is in files, or cannot be */
  async end(): Promise<void> {
    await Promise.all([...this.#open].map((writer) => writer.end(null)));
  }
}
