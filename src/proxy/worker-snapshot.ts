import { count, record, text } from '../core/fields.ts';
import { type RecordingTerms, recordingTerms } from './recording-terms.ts';

/** Characters of a version, or of a key. */
const MOST = 1024;

/** Settings that reach workers whole, never in part; a later version replaces an earlier one. */
export interface WorkerSnapshot {
  readonly version: string;
  /** How long an accepted connection waits for its flow before it is refused. */
  readonly claimTimeoutMs: number;
  /** How long the dial to the destination may take. */
  readonly dialTimeoutMs: number;
  /** By which rooms' actions are decided; the proxy hands it on unread. */
  readonly policies: string;
  /** Of masks that replace a value by one that only the same value gets: base64. */
  readonly maskKey: string;
  readonly recording: RecordingTerms;
}

/** Before the supervisor has said anything. */
export const NO_SNAPSHOT: WorkerSnapshot = Object.freeze<WorkerSnapshot>({
  version: '',
  claimTimeoutMs: 5_000,
  dialTimeoutMs: 30_000,
  policies: '',
  maskKey: '',
  recording: { rows: 0, terminals: 'text', onFailure: 'end', maxBytes: 0 },
});

/** @returns null where it is none */
export function workerSnapshot(value: unknown): WorkerSnapshot | null {
  const s = record(value);
  if (s === null || !text(s.version, MOST)) return null;
  const { version, claimTimeoutMs, dialTimeoutMs, policies, maskKey } = s;
  const recording = recordingTerms(s.recording);
  if (!count(claimTimeoutMs) || !count(dialTimeoutMs) || typeof policies !== 'string') return null;
  if (!text(maskKey, MOST) || recording === null) return null;
  return { version, claimTimeoutMs, dialTimeoutMs, policies, maskKey, recording };
}
