/** Takes a Cedar file apart into its policies, without parsing them: each can then be wrong by itself. */
import type { Location } from '../config/problem.ts';
import { Depth } from './depth.ts';

export interface Piece {
  /** From the first token to the semicolon. */
  readonly text: string;
  /** Offset of the text in the file, in UTF-16 code units. */
  readonly start: number;
  /** See {@link Depth}. */
  readonly depth: number;
  /** The text with comments blanked out, offset for offset. */
  readonly code: string;
}

// Cedar's strings may run over lines. A quote that is never closed takes the rest of the file with it.
const TOKEN = /\/\/[^\n\r]*|"(?:[^"\\]|\\.)*"?|\s+|\w+|::|&&|\|\||[=!<>]=|./gsu;

export function splitPolicies(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let code: string[] = [];
  let start = -1;
  let end = 0;
  let depth = new Depth();
  const finish = () => {
    if (start >= 0) {
      const kept = code.join('').slice(0, end - start);
      pieces.push({ text: text.slice(start, end), start, depth: depth.most, code: kept });
    }
    start = -1;
    code = [];
    depth = new Depth();
  };
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    const blank = token.startsWith('//') || token.trim() === '';
    if (start < 0 && blank) continue;
    code.push(token.startsWith('//') ? ' '.repeat(token.length) : token);
    if (blank) continue;
    if (start < 0) start = index;
    end = index + token.length;
    depth.take(token);
    if (token === ';') finish();
  }
  finish();
  return pieces;
}

/** Line and column of an offset in UTF-16 code units. */
export function locate(text: string, offset: number): Location {
  const before = text.slice(0, Math.max(0, offset));
  return { line: before.split('\n').length, column: before.length - before.lastIndexOf('\n') };
}

/** The offset in UTF-16 code units of one in UTF-8 bytes, which is how Cedar counts. */
export function fromByteOffset(text: string, bytes: number): number {
  return Buffer.from(text, 'utf8').subarray(0, bytes).toString('utf8').length;
}
