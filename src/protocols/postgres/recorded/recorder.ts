/** The rows of a session's results, as the client gets them, on their way into a recording. */
import type { Decision } from '../../../core/types.ts';
import { ROWS } from '../../../recording/replay.ts';
import type { RecordingWriter } from '../../../recording/writer.ts';
import type { Recordings } from '../../room.ts';
import type { Running } from '../awaited.ts';
import { Backend, type FieldDescription, type Format } from '../messages.ts';
import type { Kind, Statement } from '../sql/statement.ts';
import type { Encoding } from '../text.ts';
import { Kept, type ResultShape, type RowsKept } from './records.ts';

/** The session is to be recorded and can't be. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';

  constructor(reason: string) {
    super(`this session is to be recorded, and that cannot be done: ${reason}`);
  }
}

export interface RowRecorderOptions {
  readonly recordings: Recordings;
  encoding(): Encoding;
  /** There are rows to be recorded, and no recording yet: the server's answers wait. */
  onWait(): void;
  /** What had to wait for the recording may go on. */
  onRelief(): void;
  /** The session is to be recorded and can't be: it ends, before the next message of the server. */
  onFailure(error: RecordingError): void;
}

/** Bytes of messages in one record. */
const PIECE = 128 << 10;
const MOST_COLUMNS = 2000;
const MOST_NAME = 256;
/** What statements do that have no rows for the client; RETURNING makes them read. */
const QUIET: ReadonlySet<Kind> = new Set(['write', 'ddl', 'privilege', 'transaction']);

export class RowRecorder {
  readonly #options: RowRecorderOptions;
  readonly #head = Buffer.alloc(4);
  #writer: RecordingWriter | null = null;
  /** Nothing more is kept. */
  #over = false;
  #failure: RecordingError | null = null;
  #rows = 0;
  /** Rows that have begun, of which nothing is written yet. */
  #begun = 0;
  /** Whose rows are recorded, of those that came last. */
  #running: Running | null = null;
  #wanted = false;
  #fields: readonly FieldDescription[] | null = null;
  #copy: Format | null = null;

  constructor(options: RowRecorderOptions) {
    this.#options = options;
  }

  /** Whether the server's answers are to be left unread for now; `onRelief` tells when not. */
  mustWait(): boolean {
    return this.#writer?.mustWait() ?? false;
  }

  /** Before a message of the server. @throws RecordingError where the session is to end for want of its recording */
  check(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  /**
   * Before the server sees the statement: where its rows are to be recorded, they wait until they can be.
   * @returns null where none are
   */
  expect({ kinds }: Statement, decision: Decision): RowsKept | null {
    const limit = this.#options.recordings.rows(decision);
    if (limit === 0) return null;
    if (!kinds.every((kind) => QUIET.has(kind))) this.#open();
    return { limit, rows: 0, begun: false };
  }

  /** What comes next is of another statement. */
  between(): void {
    this.#running = null;
    this.#fields = null;
    this.#copy = null;
  }

  /** The rows that come, where they are a simple query's; null: they have too many columns to be told. */
  described(fields: readonly FieldDescription[] | null): void {
    this.#fields = fields;
  }

  copying(format: Format | null): void {
    this.#copy = format;
  }

  /**
   * A message with a row begins.
   * @param fields of a portal; null where it is none
   * @returns whether its bytes are to be given to `bytes`
   */
  row(running: Running, type: number, fields: readonly FieldDescription[] | null): boolean {
    const { kept } = running;
    if (kept === null || this.#over || kept.rows >= kept.limit) {
      this.#wanted = false;
      return false;
    }
    this.#running = running;
    this.#wanted = true;
    if (!kept.begun) this.#result(running, kept, type, fields ?? this.#fields);
    kept.rows += 1;
    this.#begun += 1;
    return true;
  }

  /** Whether `row` wanted the one that began last. */
  get wanted(): boolean {
    return this.#wanted;
  }

  /** @param bytes as they leave for the client: of rows that `row` wanted */
  bytes(bytes: Buffer): void {
    const kept = this.#running?.kept ?? null;
    if (this.#running === null || kept === null) return;
    for (let at = 0; at < bytes.length; at += PIECE) {
      if (!this.#write(Kept.rows, this.#running.action, bytes.subarray(at, at + PIECE))) {
        kept.rows -= this.#begun;
        break;
      }
      this.#rows += this.#begun;
      this.#begun = 0;
    }
    this.#begun = 0;
  }

  /**
   * What a function gives that was called by its number.
   * @param begins the message does, with these bytes
   */
  value(running: Running | null, bytes: Buffer, begins: boolean): void {
    if (running !== null && begins) this.row(running, Backend.FunctionCallResponse, null);
    if (this.#wanted) this.bytes(bytes);
  }

  /** @returns for the record of the action: how many of its rows are in the recording */
  end(action: number, kept: RowsKept): { readonly recorded: number } {
    if (kept.begun) {
      const rows = Buffer.alloc(4);
      rows.writeUInt32BE(Math.min(kept.rows, 0xffff_ffff));
      this.#write(Kept.end, action, rows);
    }
    return { recorded: kept.rows };
  }

  #result(
    { action }: Running,
    kept: RowsKept,
    type: number,
    fields: readonly FieldDescription[] | null,
  ): void {
    kept.begun = true;
    const encoding = this.#options.encoding();
    const form = type === Backend.DataRow ? 'rows' : type === Backend.CopyData ? 'copy' : 'value';
    // More than PostgreSQL's 1,664 columns may be more than a record has room for.
    const told = form === 'rows' && fields !== null && fields.length <= MOST_COLUMNS ? fields : null;
    const shape: ResultShape = {
      limit: Number.isFinite(kept.limit) ? kept.limit : 'all',
      form,
      encoding: encoding.name,
      columns:
        told?.map(({ name, typeObjectId, format }) => [shownName(encoding, name), typeObjectId, format]) ??
        null,
      copy: form === 'copy' ? this.#copy : null,
    };
    this.#write(Kept.result, action, Buffer.from(JSON.stringify(shape)));
  }

  #open(): RecordingWriter | null {
    if (this.#over || this.#writer !== null) return this.#writer;
    const { recordings, onWait, onRelief, onFailure } = this.#options;
    this.#writer = recordings.open(ROWS, {
      onRelief,
      onFailure: (reason) => {
        this.#over = true;
        if (recordings.onFailure !== 'end') return;
        this.#failure = new RecordingError(reason);
        onFailure(this.#failure);
      },
    });
    if (this.#writer.mustWait()) onWait();
    return this.#writer;
  }

  #write(type: number, action: number, bytes: Buffer): boolean {
    const writer = this.#open();
    if (writer === null || this.#over) return false;
    this.#head.writeUInt32BE(action);
    if (writer.write(type, this.#head, bytes)) return true;
    this.#over = true;
    if (writer.full) void writer.end(`cut at ${writer.stored} bytes after ${this.#rows} rows`);
    return false;
  }
}

function shownName(encoding: Encoding, name: Buffer): string {
  return encoding.show(name.subarray(0, MOST_NAME));
}
