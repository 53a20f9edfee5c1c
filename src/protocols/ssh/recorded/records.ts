/**
 * Records of a recording of the kind `terminal`: every shell and command of one connection. Each begins with the number
 * of its action in the hop (u32); after it
 *
 * | type | |
 * |---|---|
 * | `begin` | JSON: a `Begin` |
 * | `input` | what the person typed, where the screen showed it |
 * | `withheld` | how many bytes of input are not kept (u32): nobody saw them on a screen, a password among them |
 * | `stdout`, `stderr` | what the host gave, on a terminal all of it `stdout` |
 * | `resize` | columns (u32), rows (u32) |
 * | `end` | |
 * | `binary` | JSON: a `Binary`; of a stream that is no text, where it is kept no more, and at its end |
 */
export const Kept = {
  begin: 1,
  input: 2,
  withheld: 3,
  stdout: 4,
  stderr: 5,
  resize: 6,
  end: 7,
  binary: 8,
} as const;

export interface Begin {
  /** Null: there is no terminal. */
  readonly terminal: { readonly term: string; readonly columns: number; readonly rows: number } | null;
  /** Null: a login shell. */
  readonly command: string | null;
}

/** What a command gives that is no text: its beginning is kept, and of all of it this. */
export interface Binary {
  readonly stream: 'stdout' | 'stderr';
  /** Bytes from its beginning that the recording has: fewer than otherwise where that is full. */
  readonly kept: number;
  /** Of the whole stream, that beginning with it; null: it goes on. */
  readonly sum: { readonly bytes: number; readonly sha256: string } | null;
}

/** The most that one record counts. */
export const MOST_COUNT = 0xffff_ffff;

export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(Math.min(value, MOST_COUNT));
  return bytes;
}
