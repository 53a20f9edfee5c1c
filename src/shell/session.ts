/** A program on a terminal of its own within sshd's: what goes through is shown, and recorded. */
import { closeSync, readSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import {
  echoes,
  ended,
  isHidden,
  openTerminal,
  type Program,
  type Settings,
  type Status,
  set,
  setWindow,
  start,
  tell,
  typeEarly,
  windowOf,
} from './libc.ts';
import type { Link } from './link.ts';

/** What the program wrote last is in the kernel's hands when it has ended; so long it is waited for that it comes. */
const DRAIN_MS = 1000;

/** Signals that somebody sends to this process are for the program. */
const PASSED = { SIGINT: 2, SIGQUIT: 3, SIGUSR1: 10, SIGUSR2: 12, SIGALRM: 14, SIGTERM: 15 } as const;

/** The terminal outside, as it was when this began. */
export interface Outside {
  readonly settings: Settings;
  /** Bytes that were typed by then. */
  readonly early: number;
}

export class Session {
  readonly #outer: ReadStream;
  readonly #inner: ReadStream;
  readonly #master: number;
  readonly #pid: number;
  readonly #ended = Promise.withResolvers<Status | null>();
  readonly #silent = Promise.withResolvers<void>();
  #link: Link | null;
  /** Nothing goes through for now. */
  #held = false;
  #gone = false;

  /**
   * @param program made for the path of its terminal
   * @param outside the terminal outside, before it became raw
   * @param first shown before anything of the program
   * @throws SystemError
   */
  constructor(
    program: (terminal: string) => Program,
    link: Link,
    { settings, early }: Outside,
    first: string,
  ) {
    this.#link = link;
    const window = windowOf(0);
    const { master, path } = openTerminal();
    this.#master = master;
    set(master, settings);
    if (window !== null) setWindow(master, window);
    const typed = Buffer.alloc(early);
    const bytes = typed.subarray(0, early === 0 ? 0 : readSync(0, typed));
    const kept = bytes.length === 0 ? null : typeEarly(master, path, settings, bytes);
    process.on('SIGCHLD', () => this.#reap());
    this.#pid = start(program(path), path);
    if (kept !== null) closeSync(kept);
    this.#outer = new ReadStream(0);
    this.#inner = new ReadStream(master);
    link.input(bytes, !echoes(settings));
    if (echoes(settings)) link.output(lines(bytes.toString('latin1'), 'latin1'));
    this.#show(lines(first, 'utf8'));
    process.on('SIGWINCH', () => this.#resize());
    process.on('SIGHUP', () => this.hangUp());
    process.on('SIGPIPE', () => {});
    for (const [name, number] of Object.entries(PASSED)) process.on(name, () => tell(this.#pid, number));
    this.#pump();
    // Both may have come about before anybody listened.
    this.#resize();
    this.#reap();
  }

  /** How the program ended; null where the person has gone. */
  get ended(): Promise<Status | null> {
    return this.#ended.promise;
  }

  /** @returns when all that the program wrote was shown */
  async drained(): Promise<void> {
    const late = setTimeout(() => this.#silent.resolve(), DRAIN_MS);
    await this.#silent.promise;
    clearTimeout(late);
    if (this.#outer.writableLength > 0 && !this.#outer.destroyed)
      await new Promise<void>((resolve) => this.#outer.write('', () => resolve()));
  }

  /** As when sshd closes its end: the kernel hangs up on what runs there. */
  hangUp(): void {
    this.#gone = true;
    this.#inner.destroy();
    this.#silent.resolve();
    this.#ended.resolve(null);
  }

  /** Nothing that is typed or shown goes through. */
  hold(): void {
    this.#held = true;
    this.#outer.pause();
    this.#inner.pause();
  }

  /** @param link where it is recorded from here on; null: nowhere */
  resume(link: Link | null): void {
    this.#link = link;
    this.#held = false;
    this.relieve();
  }

  /** Where somebody was waited for that has caught up. */
  relieve(): void {
    if (this.#held || this.#gone || this.#link?.behind) return;
    if (!this.#inner.writableNeedDrain) this.#outer.resume();
    if (!this.#outer.writableNeedDrain) this.#inner.resume();
  }

  /** Words for the person, on a line of their own. @returns when they are on their way */
  say(words: string): Promise<void> {
    if (this.#outer.destroyed) return Promise.resolve();
    return new Promise((resolve) => this.#outer.write(`\r\n${words}\r\n`, () => resolve()));
  }

  #pump(): void {
    const [outer, inner] = [this.#outer, this.#inner];
    outer.on('data', (bytes: Buffer) => {
      this.#link?.input(bytes, isHidden(this.#master));
      if (!inner.write(bytes) || this.#link?.behind) outer.pause();
    });
    inner.on('data', (bytes: Buffer) => {
      if (!this.#show(bytes)) inner.pause();
    });
    for (const end of [outer, inner]) end.on('drain', () => this.relieve());
    for (const event of ['end', 'error', 'close']) {
      outer.on(event, () => this.hangUp());
      // EIO: nobody has it open any more.
      inner.on(event, () => this.#silent.resolve());
    }
  }

  /** @returns whether there may be more of it */
  #show(bytes: Buffer): boolean {
    if (bytes.length === 0) return true;
    this.#link?.output(bytes);
    return this.#outer.write(bytes) && !this.#link?.behind;
  }

  #resize(): void {
    const size = windowOf(0);
    if (size === null || this.#gone || windowOf(this.#master)?.equals(size)) return;
    setWindow(this.#master, size);
    this.#link?.resize(size.readUInt16LE(2), size.readUInt16LE(0));
  }

  #reap(): void {
    const status = ended(this.#pid);
    if (status !== null) this.#ended.resolve(status);
  }
}

/** As a terminal shows them. */
function lines(text: string, encoding: 'utf8' | 'latin1'): Buffer {
  return Buffer.from(text.replaceAll('\n', '\r\n'), encoding);
}
