import { count, record } from '../core/fields.ts';
import type { RowsKept } from '../core/types.ts';

/** What is recorded where policies do not say, and what becomes of a hop that cannot be. */
export interface RecordingTerms {
  /** Rows of a result. */
  readonly rows: RowsKept;
  /** What goes over terminals, and what commands give. */
  readonly terminals: boolean;
  readonly onFailure: 'end' | 'continue';
  /** Bytes of one recording's file. */
  readonly maxBytes: number;
}

/** @returns null where it is none */
export function recordingTerms(value: unknown): RecordingTerms | null {
  const r = record(value);
  if (r === null || !count(r.maxBytes) || (r.rows !== 'all' && !count(r.rows))) return null;
  const { rows, terminals, onFailure, maxBytes } = r;
  if (typeof terminals !== 'boolean') return null;
  return onFailure === 'end' || onFailure === 'continue' ? { rows, terminals, onFailure, maxBytes } : null;
}
