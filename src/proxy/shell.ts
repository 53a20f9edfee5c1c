/** A recorded shell of this host, as a worker has it: what its process says, on its way into a recording of its login. */
import type { Socket } from 'node:net';
import type { Id } from '../core/types.ts';
import { TerminalRecorder } from '../protocols/ssh/recorded/recorder.ts';
import { type Begin, Kept } from '../protocols/ssh/recorded/records.ts';
import type { RecordingLink } from '../recording/link.ts';
import { TERMINAL } from '../recording/replay.ts';
import type { RecordingWriter } from '../recording/writer.ts';
import {
  Answer,
  type Beginning,
  beginningOf,
  type Frame,
  Say,
  ShellFrameError,
  ShellFrameReader,
  shellFrame,
  sizeOf,
} from '../shell/frames.ts';
import type { RecordingTerms } from './recording-terms.ts';

export interface ShellOptions {
  readonly login: Id;
  readonly link: RecordingLink;
  readonly terms: RecordingTerms;
  /** All of it is in its file, or cannot be. */
  onOver(): void;
}

/** One recording has one terminal. */
const ACTION = 1;
/** A process that connects says what it is. */
const BEGIN_MS = 10_000;
/** What is said last is read by who is told it. */
const LAST_MS = 5_000;

export class Shell {
  readonly #socket: Socket;
  readonly #options: ShellOptions;
  readonly #reader = new ShellFrameReader();
  readonly #head = Buffer.alloc(4);
  readonly #timer: NodeJS.Timeout;
  #writer: RecordingWriter | null = null;
  #recorder: TerminalRecorder | null = null;
  #welcomed = false;
  /** Nothing more is kept. */
  #ended = false;

  /** @param socket of which nothing was read */
  constructor(socket: Socket, options: ShellOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#head.writeUInt32BE(ACTION);
    this.#timer = setTimeout(() => socket.destroy(), BEGIN_MS);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => {});
    socket.on('close', () => this.#end('its process ended without a word: it was killed, or its login was'));
  }

  /** It may not go on, and the person is told why. @returns when what it showed is in its file */
  end(reason: string): Promise<void> {
    this.#say(Answer.refused, reason);
    return this.#end(reason);
  }

  /** This worker ends; the next one may have what is still to come. */
  leave(reason: string): Promise<void> {
    return this.#end(reason).finally(() => this.#socket.destroy());
  }

  #take(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#frame(frame);
    } catch (error) {
      // Threat: any process of a login may connect, and say what it likes. It is believed to have said it.
      if (!(error instanceof ShellFrameError)) throw error;
      void this.end(`what it says is no recording: ${error.message}`);
    }
    if (!this.#ended && this.#writer?.mustWait()) this.#socket.pause();
  }

  #frame({ type, body }: Frame): void {
    if (this.#ended) return;
    const recorder = this.#recorder;
    if (recorder === null) {
      if (type !== Say.begin) throw new ShellFrameError('it does not begin');
      this.#begin(beginningOf(body));
      return;
    }
    switch (type) {
      case Say.input:
        if (body[0] === 1) recorder.hidden(body.length - 1);
        else recorder.input(body.subarray(1));
        return;
      case Say.output:
        recorder.output(body, 'stdout');
        return;
      case Say.resize: {
        const { columns, rows } = sizeOf(body);
        recorder.resize(columns, rows);
        return;
      }
      case Say.end:
        void this.#end(null).then(() => this.#say(Answer.over));
        return;
      default:
        throw new ShellFrameError(`a frame of type ${type}`);
    }
  }

  #begin({ term, columns, rows, command }: Beginning): void {
    clearTimeout(this.#timer);
    const { login, link, terms } = this.#options;
    const begin: Begin = { terminal: { term, columns, rows }, command };
    const writer = link.open({ login }, TERMINAL, terms.maxBytes, {
      onRelief: () => this.#relieve(),
      onFailure: (reason) => this.#failed(reason),
    });
    this.#writer = writer;
    this.#recorder = new TerminalRecorder({ write: (type, _, bytes) => this.#write(type, bytes) }, ACTION);
    this.#write(Kept.begin, Buffer.from(JSON.stringify(begin)));
  }

  #relieve(): void {
    if (!this.#welcomed && !this.#ended) {
      // There is a file: what is shown from here on is in it.
      this.#welcomed = true;
      this.#say(Answer.recorded, this.#options.terms.onFailure);
    }
    this.#socket.resume();
  }

  #failed(reason: string): void {
    // The next daemon may record what is still to come: its process looks for that.
    if (this.#options.link.gone) this.#socket.destroy();
    else if (this.#options.terms.onFailure === 'end')
      void this.end(`this terminal is to be recorded, and that cannot be done: ${reason}`);
    else this.#release();
  }

  /** It goes on, and is not recorded. */
  #release(): void {
    this.#say(Answer.unrecorded);
    void this.#end(null);
  }

  #write(type: number, bytes: Buffer): void {
    const writer = this.#writer;
    if (this.#ended || writer === null || writer.write(type, this.#head, bytes)) return;
    if (!writer.full) return;
    this.#ended = true;
    this.#say(Answer.unrecorded);
    void writer.end(`cut at ${writer.stored} bytes`).then(() => this.#options.onOver());
  }

  /** @param reason why it ends before the shell does; null where that is over. Once */
  async #end(reason: string | null): Promise<void> {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    this.#recorder?.end();
    this.#ended = true;
    await this.#writer?.end(reason);
    this.#options.onOver();
  }

  #say(type: number, words = ''): void {
    if (this.#socket.destroyed) return;
    for (const part of shellFrame(type, Buffer.from(words))) this.#socket.write(part);
    if (type === Answer.recorded) return;
    this.#socket.resume();
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), LAST_MS).unref();
  }
}
