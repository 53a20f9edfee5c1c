/** Which of a client's messages are looked at, and how much of them. */
import type { Disposition } from './frame.ts';
import { WHOLE } from './limits.ts';
import { Frontend } from './messages.ts';

/** What the server reads even after an error that has it skip the rest, and what ends with an answer of its own. */
export const PARTS: ReadonlySet<number> = new Set([Frontend.Sync, Frontend.Query, Frontend.FunctionCall]);

/**
 * @param length the length field
 * @param copying the server takes what comes for data of a COPY, and passes over Flush
 */
export function dispositionOf(type: number, length: number, copying: boolean): Disposition {
  switch (type) {
    case Frontend.CopyDone:
    case Frontend.CopyFail:
      return copying ? 'whole' : 'forward';
    case Frontend.Flush:
      return copying ? 'drop' : 'forward';
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
