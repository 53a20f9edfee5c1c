/** What a recording of results says, whatever protocol they came by. */
import type { Micros } from '../core/types.ts';
import type { RecordingRecord } from './reader.ts';

/** The kind of a recording that holds rows of results. */
export const ROWS = 'rows';

export interface ReplayedColumn {
  readonly name: string;
  /** The protocol's number for it; 0 where it was not told. */
  readonly type: number;
  /** Shown to the right. */
  readonly numeric: boolean;
}

/** Everything in it is what a server said: not fit for a terminal as it is. */
export type Replayed =
  | {
      readonly type: 'result';
      /** Number within the hop. */
      readonly action: number;
      readonly at: Micros;
      /** So many rows were to be recorded. */
      readonly limit: number | 'all';
      /** `copy`: rows are lines of one value each; `value`: one value, of a function that was called by its number. */
      readonly form: 'rows' | 'copy' | 'value';
      /** Null where they were not told. */
      readonly columns: readonly ReplayedColumn[] | null;
    }
  | {
      readonly type: 'row';
      readonly action: number;
      readonly at: Micros;
      readonly values: readonly (string | null)[];
      /** It is not all of the row: it was too long, or the recording ends within it. */
      readonly cut: boolean;
    }
  | {
      readonly type: 'end';
      readonly action: number;
      readonly at: Micros;
      /** So many were recorded. */
      readonly rows: number;
    };

/** Reads one recording's records in their order. */
export interface Replayer {
  /** @throws DamagedError */
  push(record: RecordingRecord): Iterable<Replayed>;
  /** What the recording ends within. */
  rest(): Iterable<Replayed>;
}
