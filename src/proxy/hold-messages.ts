/** What supervisor and worker say to each other about actions that wait for a person, and the checks on it. */
import { count, text as fits, record } from '../core/fields.ts';
import type { AnswerOutcome, Id, Lifted, Micros } from '../core/types.ts';

export interface HoldMessage {
  readonly type: 'hold';
  readonly seq: number;
  readonly hop: Id;
  /** Its number within the hop; recorded before. */
  readonly action: number;
  /** Those that ask. */
  readonly policies: readonly string[];
  readonly reason: string;
  /** What another connection says to have it withdrawn: 64 hexadecimal digits; null where none can. */
  readonly cancelKey: string | null;
}

export type HoldToSupervisor =
  | HoldMessage
  | { readonly type: 'withdraw'; readonly seq: number; readonly reason: string }
  | { readonly type: 'cancel'; readonly seq: number; readonly cancelKey: string };

export interface AnswerMessage {
  readonly type: 'answer';
  readonly seq: number;
  readonly outcome: AnswerOutcome;
  /** Null where nobody was asked. */
  readonly approval: number | null;
  readonly by: string | null;
  readonly reason: string;
  readonly approved: readonly Lifted[];
}

export type HoldToWorker =
  | {
      readonly type: 'held';
      readonly seq: number;
      readonly approval: number;
      /** Who may answer, for a person. */
      readonly who: string;
      readonly expires: Micros;
    }
  | AnswerMessage
  | { readonly type: 'cancelled'; readonly seq: number; readonly found: boolean };

/** Actions that may wait at a time: of one hop, and of one worker. */
export const HELD_OF_HOP = 16;
export const HELD_OF_WORKER = 256;

const MOST_POLICIES = 64;
const REASON_LIMIT = 4096;
const NAME_LIMIT = 1024;
const OUTCOMES: readonly unknown[] = ['approved', 'denied', 'withdrawn', 'expired'] satisfies AnswerOutcome[];

/** At most what the other side takes, without half a character at the end. */
export function cutReason(reason: string): string {
  return reason.length <= REASON_LIMIT ? reason : `${reason.slice(0, REASON_LIMIT - 1).toWellFormed()}…`;
}

/** @returns the message with nothing in it but its own fields, or null where it is none of these */
export function holdFromWorker(m: Record<string, unknown>): HoldToSupervisor | null {
  const { seq, hop, action, policies, reason, cancelKey } = m;
  if (!count(seq)) return null;
  switch (m.type) {
    case 'hold':
      if (!name(hop) || !count(action) || !names(policies) || !fits(reason, REASON_LIMIT)) return null;
      if (cancelKey !== null && !isKey(cancelKey)) return null;
      return { type: 'hold', seq, hop, action, policies, reason, cancelKey };
    case 'withdraw':
      return fits(reason, REASON_LIMIT) ? { type: 'withdraw', seq, reason } : null;
    case 'cancel':
      return isKey(cancelKey) ? { type: 'cancel', seq, cancelKey } : null;
    default:
      return null;
  }
}

/** Same terms as {@link holdFromWorker}. */
export function holdFromSupervisor(m: Record<string, unknown>): HoldToWorker | null {
  const { seq, approval, who, expires, outcome, by, reason, approved, found } = m;
  if (!count(seq)) return null;
  switch (m.type) {
    case 'held':
      return count(approval) && fits(who, REASON_LIMIT) && count(expires)
        ? { type: 'held', seq, approval, who, expires }
        : null;
    case 'answer':
      if (!OUTCOMES.includes(outcome) || (approval !== null && !count(approval))) return null;
      if ((by !== null && !name(by)) || !fits(reason, REASON_LIMIT) || !areLifted(approved)) return null;
      return { type: 'answer', seq, outcome: outcome as AnswerOutcome, approval, by, reason, approved };
    case 'cancelled':
      return typeof found === 'boolean' ? { type: 'cancelled', seq, found } : null;
    default:
      return null;
  }
}

function name(value: unknown): value is string {
  return fits(value, NAME_LIMIT);
}

function names(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.length <= MOST_POLICIES && value.every(name);
}

function areLifted(value: unknown): value is Lifted[] {
  if (!Array.isArray(value) || value.length > MOST_POLICIES) return false;
  return value.every((each) => {
    const lifted = record(each);
    return lifted !== null && name(lifted.policy) && (lifted.group === null || name(lifted.group));
  });
}

function isKey(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
