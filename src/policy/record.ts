/** `@record` on a permit: what is kept of the result of what it lets pass. */
import type { RowsKept } from '../core/types.ts';
import type { Action } from './schema.ts';
import type { Verdict } from './verdict.ts';

/** Actions whose permits can say it. */
export const RECORDED: readonly Action[] = ['query', 'shell', 'exec'];

export const RECORD_FORMS = 'none, all, or rows: and a number, such as rows:100';

/** @returns null where the text is none of the forms */
export function parseRecord(text: string): RowsKept | null {
  if (text === 'all') return 'all';
  if (text === 'none') return 0;
  const rows = /^rows:([1-9]\d{0,8})$/.exec(text)?.[1];
  return rows === undefined ? null : Number(rows);
}

/** Of several permits that say it, the one that keeps most; null where none says it. */
export function recordOf({ outcome, determining }: Verdict): RowsKept | null {
  if (outcome !== 'allow') return null;
  let most: RowsKept | null = null;
  for (const { record } of determining) {
    if (record === 'all') return 'all';
    if (record !== null && (most === null || record > most)) most = record;
  }
  return most;
}
