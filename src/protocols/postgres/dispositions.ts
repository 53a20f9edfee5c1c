/** Which of a client's messages are looked at, and how much of them. */
import type { Disposition } from './frame.ts';
import { WHOLE } from './limits.ts';
import { Frontend } from './messages.ts';

/** What the server reads even after an error that has it skip the rest, and what ends with an answer of its own. */
export const PARTS: ReadonlySet<number> = new Set([Frontend.Sync, Frontend.Query, Frontend.FunctionCall]);

/** @param length the length field */
export function dispositionOf(type: number, length: number): Disposition {
  switch (type) {
    case Frontend.Query:
    case Frontend.Parse:
    case Frontend.Bind:
      return length > WHOLE ? 'stream' : 'whole';
    case Frontend.PasswordMessage:
    case Frontend.Execute:
    case Frontend.Describe:
    case Frontend.Close:
    case Frontend.Sync:
    case Frontend.FunctionCall:
      return 'whole';
    default:
      return 'forward';
  }
}
