/** What goes over the terminals of one connection, and what its commands give, on its way into a recording. */

import { TERMINAL } from '../../../recording/replay.ts';
import type { RecordingWriter } from '../../../recording/writer.ts';
import type { Recordings } from '../../room.ts';
import type { Terminal } from '../connection/requests.ts';
import type { Recorder } from '../connection/watch.ts';
import type { Begun } from '../held.ts';
import { CommandRecorder } from './command.ts';
import { Echo } from './echo.ts';
import { type Begin, Kept, number } from './records.ts';

export interface TerminalRecordingsOptions {
  readonly recordings: Recordings;
  /** What had to wait for the recording may go on. */
  onRelief(): void;
  /** The connection is to be recorded and can't be: it ends. */
  onFailure(reason: string): void;
}

/** Input that the screen does not show for so long is not shown. */
const ECHO_MS = 1000;
/** Characters of a command, and of a terminal's name. */
const MOST_COMMAND = 65_536;
const MOST_TERM = 64;
const NOTHING = Buffer.alloc(0);

/** One recording a connection, from its first shell or command on. */
export class TerminalRecordings {
  readonly #options: TerminalRecordingsOptions;
  readonly #head = Buffer.alloc(4);
  #writer: RecordingWriter | null = null;
  #ready: PromiseWithResolvers<string | null> | null = null;
  /** Nothing more is kept. */
  #over = false;

  constructor(options: TerminalRecordingsOptions) {
    this.#options = options;
  }

  /** Whether what the two ends send is to be left unread for now; `onRelief` tells when not. */
  mustWait(): boolean {
    return this.#over ? false : (this.#writer?.mustWait() ?? false);
  }

  /** As `Recording.ready` says. */
  ready(): Promise<string | null> | null {
    if (this.#options.recordings.onFailure !== 'end' || !this.mustWait()) return null;
    this.#ready ??= Promise.withResolvers();
    return this.#ready.promise;
  }

  /** @returns null where the action is not to be recorded */
  begin({ action, deed, decision }: Begun, terminal: Terminal | null): Recorder | null {
    const keeps = this.#options.recordings.terminal(decision);
    if (keeps === 'none') return null;
    const { command } = deed.detail;
    const begin: Begin = {
      terminal: terminal === null ? null : { ...terminal, term: terminal.term.slice(0, MOST_TERM) },
      command: typeof command === 'string' ? command.slice(0, MOST_COMMAND).toWellFormed() : null,
    };
    this.write(Kept.begin, action, Buffer.from(JSON.stringify(begin)));
    if (terminal !== null) return new TerminalRecorder(this, action);
    return new CommandRecorder(this, action, keeps === 'all');
  }

  /**
   * @param bytes of one message at most: 32 KiB
   * @returns false where the recording takes no more
   */
  write(type: number, action: number, bytes: Buffer): boolean {
    const writer = this.#open();
    if (writer === null) return false;
    this.#head.writeUInt32BE(action);
    if (writer.write(type, this.#head, bytes)) return true;
    if (!this.#over && writer.full) void writer.end(`cut at ${writer.stored} bytes`);
    this.#over = true;
    return false;
  }

  #open(): RecordingWriter | null {
    if (this.#over || this.#writer !== null) return this.#over ? null : this.#writer;
    const { recordings, onRelief, onFailure } = this.#options;
    this.#writer = recordings.open(TERMINAL, {
      onRelief: () => {
        this.#ready?.resolve(null);
        this.#ready = null;
        onRelief();
      },
      onFailure: (reason) => {
        this.#over = true;
        const why = `this session is to be recorded, and that cannot be done: ${reason}`;
        this.#ready?.resolve(why);
        if (recordings.onFailure === 'end') onFailure(why);
      },
    });
    return this.#writer;
  }
}

interface Takes {
  write(type: number, action: number, bytes: Buffer): unknown;
}

/** A terminal: what is typed there is kept where the screen showed it. */
export class TerminalRecorder implements Recorder {
  readonly #recordings: Takes;
  readonly #action: number;
  readonly #echo: Echo;
  #timer: NodeJS.Timeout | null = null;

  constructor(recordings: Takes, action: number) {
    this.#recordings = recordings;
    this.#action = action;
    this.#echo = new Echo({
      shown: (bytes) => recordings.write(Kept.input, action, bytes),
      withheld: (count) => recordings.write(Kept.withheld, action, number(count)),
    });
  }

  input(data: Buffer): void {
    this.#echo.typed(data);
    this.#watch();
  }

  /** So many bytes were typed of which it is known that they are not shown. */
  hidden(count: number): void {
    this.#echo.over();
    this.#watch();
    this.#recordings.write(Kept.withheld, this.#action, number(count));
  }

  output(data: Buffer, stream: 'stdout' | 'stderr'): void {
    if (this.#echo.waiting) {
      this.#echo.given(data);
      this.#watch();
    }
    this.#recordings.write(Kept[stream], this.#action, data);
  }

  resize(columns: number, rows: number): void {
    this.#recordings.write(Kept.resize, this.#action, Buffer.concat([number(columns), number(rows)]));
  }

  end(): Readonly<Record<string, unknown>> {
    this.#echo.over();
    this.#watch();
    this.#recordings.write(Kept.end, this.#action, NOTHING);
    return {};
  }

  #watch(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = this.#echo.waiting ? setTimeout(() => this.#echo.over(), ECHO_MS) : null;
  }
}
