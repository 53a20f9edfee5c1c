/** Recordings in memory: what a worker's side makes of them, without a supervisor. */
import type { OutputKept } from '../../src/core/types.ts';
import type { Recordings } from '../../src/protocols/room.ts';
import { outputKept } from '../../src/proxy/recording-terms.ts';
import { SegmentType } from '../../src/recording/format.ts';
import type { SegmentBody } from '../../src/recording/frames.ts';
import { type RecordingRecord, recordsIn } from '../../src/recording/reader.ts';
import { RecordingWriter } from '../../src/recording/writer.ts';

export interface MemoryRecording {
  readonly kind: string;
  readonly segments: SegmentBody[];
  /** Undefined while it is open. */
  ended: string | null | undefined;
  readonly writer: RecordingWriter;
}

export interface Memory extends Recordings {
  /** Rows that are recorded where the decision does not say. */
  kept: number;
  /** Terminals are, where the decision does not say. */
  terminals: OutputKept;
  onFailure: 'end' | 'continue';
  /** Bytes of a recording. */
  most: number;
  /** False: a recording is not opened before `open` is called. */
  ready: boolean;
  /** A reason: no recording can be. */
  broken: string | null;
  readonly all: MemoryRecording[];
  /** Ends all of them. @returns their records, in order */
  records(): Promise<RecordingRecord[]>;
}

export function memoryRecordings(): Memory {
  const all: MemoryRecording[] = [];
  const memory: Memory = {
    kept: 0,
    terminals: 'text',
    onFailure: 'end',
    most: 1 << 30,
    ready: true,
    broken: null,
    all,
    terminal: ({ record }) => outputKept(record, memory.terminals),
    rows: ({ record }) => (record === 'all' ? Number.POSITIVE_INFINITY : (record ?? memory.kept)),
    open(kind, events) {
      const segments: SegmentBody[] = [];
      const way = {
        behind: false,
        segment(_: number, segment: SegmentBody) {
          segments.push(segment);
          setImmediate(() => {
            writer.taken();
            writer.relieve();
          });
        },
        end(_: number, reason: string | null) {
          made.ended = reason;
          writer.ended();
        },
      };
      const writer = new RecordingWriter(1, way, memory.most, events);
      const made: MemoryRecording = { kind, segments, writer, ended: undefined };
      all.push(made);
      const { broken } = memory;
      if (broken !== null) setImmediate(() => writer.failed(broken));
      else if (memory.ready) setImmediate(() => writer.opened());
      return writer;
    },
    async records() {
      for (const { writer } of all) await writer.end(null);
      return all.flatMap(({ segments }) =>
        segments.flatMap(({ bytes, ...rest }, index) => [
          ...recordsIn({ ...rest, bytes, index, stored: bytes.length, crc: 0, type: SegmentType.data }),
        ]),
      );
    },
  };
  return memory;
}
