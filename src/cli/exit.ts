import { ControlError, type ErrorCode } from '../api/protocol.ts';

/** Exit codes, the same for every command; `hopline --help` lists them. */
export const EXIT = {
  ok: 0,
  /** The answer is no: denied, a check failed, refused. */
  no: 1,
  usage: 2,
  unreachable: 3,
  /** Nothing goes by that name, or several things do. */
  unknown: 4,
} as const;

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const BY_CODE: Readonly<Partial<Record<ErrorCode, number>>> = {
  unreachable: EXIT.unreachable,
  forbidden: EXIT.unreachable,
  timeout: EXIT.unreachable,
  closed: EXIT.unreachable,
  not_found: EXIT.unknown,
  ambiguous: EXIT.unknown,
  bad_request: EXIT.usage,
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  return error instanceof ControlError ? (BY_CODE[error.code] ?? EXIT.no) : EXIT.no;
}
