/** What a recording of results says, whatever protocol they came by. */
import type { Micros } from '../core/types.ts';
import type { RecordingRecord } from './reader.ts';

/** The kind of a recording that holds rows of results. */
export const ROWS = 'rows';
/** The kind of a recording that holds what went over terminals, and what commands without one gave. */
export const TERMINAL = 'terminal';

export interface ReplayedColumn {
  readonly name: string;
  /** The protocol's number for it; 0 where it was not told. */
  readonly type: number;
  /** Shown to the right. */
  readonly numeric: boolean;
}

export interface ReplayedTerminal {
  readonly type: 'terminal';
  /** Number within the hop. */
  readonly action: number;
  readonly at: Micros;
  /** `TERM`, and its size at the beginning; null: there was no terminal. */
  readonly terminal: { readonly term: string; readonly columns: number; readonly rows: number } | null;
  /** Null: a login shell. */
  readonly command: string | null;
}

/** Everything in it is what a server or a person said: not fit for a terminal as it is. */
export type Replayed =
  | ReplayedTerminal
  | {
      readonly type: 'input' | 'stdout' | 'stderr';
      readonly action: number;
      readonly at: Micros;
      readonly bytes: Buffer;
    }
  | {
      /** Bytes of input that nobody saw on the screen. */
      readonly type: 'withheld';
      readonly action: number;
      readonly at: Micros;
      readonly count: number;
    }
  | {
      readonly type: 'resize';
      readonly action: number;
      readonly at: Micros;
      readonly columns: number;
      readonly rows: number;
    }
  | {
      /** A stream that is no text: after `kept` bytes it is kept no more; at its end what it was. */
      readonly type: 'binary';
      readonly action: number;
      readonly at: Micros;
      readonly stream: 'stdout' | 'stderr';
      readonly kept: number;
      readonly sum: { readonly bytes: number; readonly sha256: string } | null;
    }
  | { readonly type: 'closed'; readonly action: number; readonly at: Micros }
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
