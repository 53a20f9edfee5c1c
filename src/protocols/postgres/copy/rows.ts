/** What a format knows of its rows. */
import { DecodeError } from '../errors.ts';
import type { Output } from './output.ts';

export interface Rows {
  /**
   * Called for each row with more and more of it, in any pieces: what it found before it remembers.
   * @param start where the row begins
   * @param from where what is new begins; at first `start`
   * @returns where the row ends, or -1 where more is needed
   * @throws DecodeError
   */
  end(bytes: Buffer, start: number, from: number): number;
  /**
   * One whole row: its fields that are to be masked are replaced in `out`.
   * @throws DecodeError
   */
  mask(bytes: Buffer, start: number, end: number, out: Output): void;
  /**
   * The copy is over.
   * @throws DecodeError where it may not be
   */
  finish(): void;
}

/** The message never quotes what came, which nobody has masked. */
export function malformed(what: string): never {
  throw new DecodeError('CopyData', what);
}
