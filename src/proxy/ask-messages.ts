/**
 * Questions that a room has for the supervisor about its hop, where a worker may not look itself: keys, people's files.
 * What they are about, the room and its counterpart know; here they are text.
 */
import { count, text } from '../core/fields.ts';
import type { Id } from '../core/types.ts';

export interface Ask {
  readonly type: 'ask';
  readonly seq: number;
  readonly hop: Id;
  /** `ssh.sign`, … */
  readonly question: string;
  /** JSON. */
  readonly detail: string;
}

/** The answer. */
export interface Found {
  readonly type: 'found';
  readonly seq: number;
  /** JSON; "" where there is none. */
  readonly detail: string;
  /** Why there is none. */
  readonly error: string;
}

const QUESTION_LIMIT = 64;
/** A key, and what is to be signed with it. */
const ASK_LIMIT = 512 * 1024;
/** The known_hosts files of a fleet. */
export const ANSWER_LIMIT = 32 * 1024 * 1024;
const ID_LIMIT = 1024;
const ERROR_LIMIT = 4096;

export function ask({ seq, hop, question, detail }: Record<string, unknown>): Ask | null {
  if (!count(seq) || !text(hop, ID_LIMIT) || !text(question, QUESTION_LIMIT) || !text(detail, ASK_LIMIT))
    return null;
  return { type: 'ask', seq, hop, question, detail };
}

export function found({ seq, detail, error }: Record<string, unknown>): Found | null {
  if (!count(seq) || !text(detail, ANSWER_LIMIT) || !text(error, ERROR_LIMIT)) return null;
  return { type: 'found', seq, detail, error };
}
