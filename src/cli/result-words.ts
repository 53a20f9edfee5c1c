/** What came of an action, in words: what a database or a program said, how a program ended, what was moved. */
import type { ActionJson } from '../api/json.ts';
import { printable } from '../core/text.ts';
import { bytes } from './format.ts';

type Result = NonNullable<ActionJson['result']>;

/** Of a digest, where there is a line for all. */
const SHORT = 16;

/** @param whole digests in all their digits */
export function resultWords(result: Result, whole: boolean): string[] {
  const { error, tag, exitStatus, exitSignal } = result;
  if (typeof error === 'string') return [printable(error), ...moved(result, whole)];
  if (typeof error === 'object' && error !== null) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    return [printable(`ERROR ${code}: ${message}`)];
  }
  if (typeof exitSignal === 'string') return [printable(`signal ${exitSignal}`), ...moved(result, whole)];
  if (typeof exitStatus === 'number') return [`exit ${exitStatus}`, ...moved(result, whole)];
  return typeof tag === 'string' ? [printable(tag)] : moved(result, whole);
}

/** A file's content, or a stream of a program's that is no text. */
function moved(result: Result, whole: boolean): string[] {
  const sums: [string, unknown][] = [
    ['', result],
    ['stdout ', result.stdout],
    ['stderr ', result.stderr],
  ];
  return sums.flatMap(([name, of]) => {
    if (typeof of !== 'object' || of === null) return [];
    const { bytes: length, sha256 } = of as { bytes?: unknown; sha256?: unknown };
    if (typeof length !== 'number') return [];
    const digest =
      typeof sha256 === 'string' ? ` SHA-256 ${whole ? sha256 : `${sha256.slice(0, SHORT)}…`}` : '';
    return [printable(`${name}${bytes(length)}${digest}`)];
  });
}
