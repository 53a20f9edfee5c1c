/** What supervisor and worker say to each other about recorded shells of this host, and the checks on it. */
import { count, text } from '../core/fields.ts';
import type { Id } from '../core/types.ts';

export type ShellToWorker =
  /** With it comes the connection, of which nothing was read. */
  | { readonly type: 'shell'; readonly shell: number; readonly login: Id }
  | { readonly type: 'shell-end'; readonly shell: number; readonly reason: string };

/** All of it is in its file, or cannot be. */
export type ShellFromWorker = { readonly type: 'shell-over'; readonly shell: number };

const LIMIT = 1024;

/** @returns the message with nothing in it but its own fields, or null where it is none of these */
export function shellFromSupervisor(m: Record<string, unknown>): ShellToWorker | null {
  const { type, shell, login, reason } = m;
  if (!count(shell)) return null;
  if (type === 'shell') return text(login, LIMIT) ? { type, shell, login } : null;
  return type === 'shell-end' && text(reason, LIMIT) ? { type, shell, reason } : null;
}

/** Same terms as {@link shellFromSupervisor}. */
export function shellFromWorker({ type, shell }: Record<string, unknown>): ShellFromWorker | null {
  return type === 'shell-over' && count(shell) ? { type, shell } : null;
}
