/**
 * What a recorded shell and the daemon say to each other over the socket in the daemon's run directory: frames of a type
 * (u8), a length (u32, big-endian) and so many bytes. The first frame of a shell is its `begin`; it starts nothing before
 * it has an answer. The supervisor reads none of it: a worker does.
 */
import { count, record, text } from '../core/fields.ts';

/** From the shell. */
export const Say = {
  /** JSON: a {@link Beginning}. */
  begin: 1,
  /** u8: 1 where the terminal did not echo a line that was typed; then the bytes. */
  input: 2,
  /** What the terminal showed. */
  output: 3,
  /** Columns (u32), rows (u32). */
  resize: 4,
  /** The program has ended. */
  end: 5,
} as const;
/** From the daemon. */
export const Answer = {
  /** There is a file for it. The body is what becomes of the shell should it fail: `end` or `continue`. */
  recorded: 1,
  /** Nothing (more) of it is kept, and it may go on. */
  unrecorded: 2,
  /** It may not go on: why, in words for a person. */
  refused: 3,
  /** All of it is in its file. */
  over: 4,
} as const;

export interface Beginning {
  readonly term: string;
  readonly columns: number;
  readonly rows: number;
  /** Null: a login shell. */
  readonly command: string | null;
}

export interface Frame {
  readonly type: number;
  /** A view: good until the next chunk. */
  readonly body: Buffer;
}

const HEAD = 5;
/** Of a body. What is read from a terminal at once is no longer than this, less a byte. */
export const BODY_MOST = 64 << 10;
const TERM_MOST = 64;
const COMMAND_MOST = 16 << 10;
/** A window's size is 16 bits each way. */
const SIZE_MOST = 0xffff;

/** The other side does not keep to the protocol. */
export class ShellFrameError extends Error {
  override readonly name = 'ShellFrameError';
}

/** @returns the parts, to be written one after the other: bytes are not copied for it */
export function shellFrame(type: number, ...parts: readonly Buffer[]): Buffer[] {
  const head = Buffer.alloc(HEAD);
  head[0] = type;
  head.writeUInt32BE(
    parts.reduce((sum, { length }) => sum + length, 0),
    1,
  );
  return [head, ...parts];
}

export function beginFrame({ term, command, ...size }: Beginning): Buffer[] {
  const fitting = {
    ...size,
    term: term.slice(0, TERM_MOST),
    command: command === null ? null : cut(command),
  };
  return shellFrame(Say.begin, Buffer.from(JSON.stringify(fitting)));
}

/** @throws ShellFrameError */
export function beginningOf(body: Buffer): Beginning {
  const begin = parsed(body);
  const { term, columns, rows, command } = begin ?? {};
  if (!text(term, TERM_MOST) || !size(columns) || !size(rows))
    throw new ShellFrameError('a beginning without a terminal');
  if (command !== null && !text(command, COMMAND_MOST))
    throw new ShellFrameError('a beginning of no command');
  return { term, columns, rows, command };
}

/** @throws ShellFrameError */
export function sizeOf(body: Buffer): { columns: number; rows: number } {
  if (body.length !== 8) throw new ShellFrameError('a size of another length');
  const [columns, rows] = [body.readUInt32BE(0), body.readUInt32BE(4)];
  if (!size(columns) || !size(rows)) throw new ShellFrameError('a size that no terminal has');
  return { columns, rows };
}

/** Cuts a socket's bytes into frames; keeps one frame at most. */
export class ShellFrameReader {
  #kept = Buffer.alloc(0);

  /**
   * @yields each frame that is whole
   * @throws ShellFrameError where one is longer than any may be
   */
  *push(chunk: Buffer): Generator<Frame, void> {
    const bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk]);
    let at = 0;
    for (;;) {
      if (bytes.length - at < HEAD) break;
      const length = bytes.readUInt32BE(at + 1);
      if (length > BODY_MOST) throw new ShellFrameError(`a frame of ${length} bytes`);
      if (bytes.length - at - HEAD < length) break;
      yield { type: bytes[at] as number, body: bytes.subarray(at + HEAD, at + HEAD + length) };
      at += HEAD + length;
    }
    this.#kept = Buffer.from(bytes.subarray(at));
  }
}

const size = (value: unknown): value is number => count(value) && value <= SIZE_MOST;

/** Without half a character at the end; escaped, JSON takes six bytes for one of them at most. */
function cut(command: string): string {
  const most = Math.min(COMMAND_MOST, Math.floor((BODY_MOST - 1024) / 6));
  return command.slice(0, most).toWellFormed();
}

function parsed(body: Buffer): Record<string, unknown> | null {
  try {
    return record(JSON.parse(body.toString('utf8')));
  } catch {
    return null;
  }
}
