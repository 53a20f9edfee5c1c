/** A recorded shell's way to the daemon: what is typed and shown goes there, and what it says of it comes back. */
import { connect, type Socket } from 'node:net';
import { Answer, type Beginning, beginFrame, Say, ShellFrameReader, shellFrame } from './frames.ts';

export interface LinkEvents {
  /** What had to wait may go on. */
  onDrain(): void;
  /** It may not go on. */
  onRefused(why: string): void;
  /** Nothing more is to be kept. */
  onReleased(): void;
  /** The daemon, or who records there, is gone. */
  onLost(): void;
}

export type Welcome =
  | { readonly type: 'recorded'; readonly link: Link; readonly onFailure: 'end' | 'continue' }
  | { readonly type: 'unrecorded' }
  | { readonly type: 'refused'; readonly why: string }
  /** Nobody answers. */
  | { readonly type: 'absent'; readonly why: string };

/** A daemon that is busy is waited for so long. */
const ANSWER_MS = 10_000;
/** Bytes that the daemon has not taken, beyond which the terminal waits. */
const BEHIND = 256 << 10;
const HIDDEN = [Buffer.of(0), Buffer.of(1)] as const;

/** Resolves when the daemon has said what is to become of this shell. */
export function greet(path: string, beginning: Beginning, events: LinkEvents): Promise<Welcome> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const link = new Link(socket, events);
    const timer = setTimeout(() => settle({ type: 'absent', why: 'it does not answer' }), ANSWER_MS);
    const settle = (welcome: Welcome) => {
      clearTimeout(timer);
      if (welcome.type !== 'recorded') socket.destroy();
      resolve(welcome);
    };
    socket.once('connect', () => {
      for (const part of beginFrame(beginning)) socket.write(part);
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      settle({ type: 'absent', why: error.code === 'ENOENT' ? 'it does not run' : error.message }),
    );
    socket.once('close', () => settle({ type: 'absent', why: 'it hung up' }));
    link.answered = (type, body) => {
      if (type === Answer.recorded)
        settle({ type: 'recorded', link, onFailure: body.toString() === 'continue' ? 'continue' : 'end' });
      else if (type === Answer.unrecorded) settle({ type: 'unrecorded' });
      else settle({ type: 'refused', why: body.toString() });
    };
  });
}

export class Link {
  /** Of the first answer. */
  answered: ((type: number, body: Buffer) => void) | null = null;
  readonly #socket: Socket;
  readonly #over = Promise.withResolvers<void>();
  readonly #size = Buffer.alloc(8);
  #open = true;
  #ending = false;

  constructor(socket: Socket, events: LinkEvents) {
    this.#socket = socket;
    const reader = new ShellFrameReader();
    socket.on('data', (chunk) => {
      for (const { type, body } of reader.push(chunk)) this.#take(type, body, events);
    });
    socket.on('drain', () => events.onDrain());
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#over.resolve();
      const lost = this.#open && this.answered === null && !this.#ending;
      this.#open = false;
      if (lost) events.onLost();
    });
  }

  #take(type: number, body: Buffer, events: LinkEvents): void {
    const { answered } = this;
    if (answered !== null) {
      this.answered = null;
      answered(type, body);
    } else if (type === Answer.over) this.#over.resolve();
    else if (type === Answer.unrecorded) {
      this.#open = false;
      events.onReleased();
    } else if (type === Answer.refused) {
      this.#open = false;
      events.onRefused(body.toString());
    }
  }

  /** Whether what is typed and shown would wait in memory: it is left unread until `onDrain`. */
  get behind(): boolean {
    return this.#open && this.#socket.writableLength > BEHIND;
  }

  /** @param hidden the terminal did not echo it */
  input(bytes: Buffer, hidden: boolean): void {
    this.#send(Say.input, HIDDEN[hidden ? 1 : 0], bytes);
  }

  output(bytes: Buffer): void {
    this.#send(Say.output, bytes);
  }

  resize(columns: number, rows: number): void {
    this.#size.writeUInt32BE(columns, 0);
    this.#size.writeUInt32BE(rows, 4);
    this.#send(Say.resize, Buffer.from(this.#size));
  }

  /** @returns when all of it is kept, or cannot be */
  end(): Promise<void> {
    this.#send(Say.end);
    this.#ending = true;
    if (!this.#open) this.#over.resolve();
    return this.#over.promise;
  }

  #send(type: number, ...parts: readonly Buffer[]): void {
    if (!this.#open || this.#ending) return;
    this.#socket.cork();
    for (const part of shellFrame(type, ...parts)) this.#socket.write(part);
    this.#socket.uncork();
  }
}
