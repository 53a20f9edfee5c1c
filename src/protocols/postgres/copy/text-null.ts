/** The text format writes NULL's text as it is, and never tells a value apart that looks the same. */
import { BACKSLASH } from './marks.ts';

/** What a backslash stands before in a value: the letters of control characters, and itself. */
const ESCAPED = new Set(Buffer.from('bfnrtv\\'));
/** Control characters that are always written as an escape. */
const CONTROLS = new Set(Buffer.from('\b\f\n\r\t\v'));

/**
 * Threat: who chooses a text that a masked value may have learns which rows have it. Empty is let through: it is in
 * wide use, and tells only which values are empty.
 */
export function textNullProblem(nullText: Buffer, delimiter: number): string | null {
  let value = true;
  for (let at = 0; at < nullText.length; at++) {
    const byte = nullText[at] as number;
    if (byte === BACKSLASH) {
      at += 1;
      const next = nullText[at];
      if (next === undefined) return 'NULL ends in a backslash, which takes the delimiter for its own';
      if (!ESCAPED.has(next) && next !== delimiter) value = false;
    } else if (CONTROLS.has(byte)) value = false;
  }
  if (nullText.length === 0 || !value) return null;
  return 'in the text format a value may be the same as NULL’s text: use CSV, or \\N';
}
