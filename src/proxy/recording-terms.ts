import { count, record } from '../core/fields.ts';
import type { OutputKept, RowsKept } from '../core/types.ts';

/** What is recorded where policies do not say, and what becomes of a hop that cannot be. */
export interface RecordingTerms {
  /** Rows of a result. */
  readonly rows: RowsKept;
  /** What goes over terminals, and what commands give. */
  readonly terminals: OutputKept;
  readonly onFailure: 'end' | 'continue';
  /** Bytes of one recording's file. */
  readonly maxBytes: number;
}

/** @returns null where it is none */
export function recordingTerms(value: unknown): RecordingTerms | null {
  const r = record(value);
  if (r === null || !count(r.maxBytes) || (r.rows !== 'all' && !count(r.rows))) return null;
  const { rows, terminals, onFailure, maxBytes } = r;
  if (terminals !== 'none' && terminals !== 'text' && terminals !== 'all') return null;
  return onFailure === 'end' || onFailure === 'continue' ? { rows, terminals, onFailure, maxBytes } : null;
}

/**
 * @param record what policies say of it
 * @param usual what is kept where they say nothing
 */
export function outputKept(record: RowsKept | undefined, usual: OutputKept): OutputKept {
  if (record === undefined) return usual;
  if (record === 0) return 'none';
  if (record === 'all') return 'all';
  // A number of rows: it is to be recorded, and more is not said of this.
  return usual === 'none' ? 'text' : usual;
}
