/** `hopline shell`: records what is typed and shown, or becomes the program that sshd would have started. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isatty } from 'node:tty';
import type { Beginning } from './frames.ts';
import { greeting } from './greeting.ts';
import {
  become,
  dieBy,
  limitFiles,
  rawOf,
  SystemError,
  seal,
  set,
  settingsOf,
  waiting,
  windowOf,
} from './libc.ts';
import { greet, type Link, type LinkEvents, type Welcome } from './link.ts';
import { type Asked, askedFor, programOf } from './program.ts';
import { type Outside, Session } from './session.ts';

export interface ShellOptions {
  /** Directory of the daemon's sockets. */
  readonly run: string;
  /** Open files that the person's programs may have; null: as many as this one. */
  readonly files: number | null;
}

type Recorded = Extract<Welcome, { type: 'recorded' }>;

/** A daemon that is restarted is waited for. */
const AWAY_MS = 30_000;
const RETRY_MS = 250;
/** What is still to be kept when the program has ended. */
const KEEP_MS = 5_000;
const FAILED = 1;
const SIGHUP = 1;

/** @returns the exit code; never, where it becomes the program or dies as that did */
export async function shell({ run, files }: ShellOptions): Promise<number> {
  seal();
  if (files !== null) limitFiles(files);
  const asked = askedFor(process.env);
  if (!isatty(0)) return straight(asked, '');
  // At once: what is typed before the program is there is echoed once.
  const settings = settingsOf(0);
  set(0, rawOf(settings));
  const recorded = new RecordedShell(asked, `${run}/shell.sock`, { settings, early: waiting(0) });
  const welcome = await recorded.greet();
  if (welcome.type === 'recorded') return recorded.run(welcome);
  set(0, settings);
  if (welcome.type === 'refused') return refuse(welcome.why);
  if (welcome.type === 'absent' && onFailure(run) === 'end') return refuse(unanswered(welcome.why));
  return straight(asked, greeting(asked));
}

class RecordedShell implements LinkEvents {
  readonly #asked: Asked;
  readonly #socket: string;
  readonly #outside: Outside;
  #session: Session | null = null;
  #link: Link | null = null;
  #onFailure: 'end' | 'continue' = 'end';
  /** Why Hopline ends it. */
  #why: string | null = null;
  #away: Promise<void> = Promise.resolve();
  #over = false;

  constructor(asked: Asked, socket: string, outside: Outside) {
    this.#outside = outside;
    this.#asked = asked;
    this.#socket = socket;
  }

  greet(): Promise<Welcome> {
    return greet(this.#socket, beginningOf(this.#asked), this);
  }

  async run(welcome: Recorded): Promise<number> {
    this.#take(welcome);
    try {
      const program = (terminal: string) => programOf(this.#asked, terminal);
      this.#session = new Session(program, welcome.link, this.#outside, greeting(this.#asked));
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      await this.#keep();
      set(0, this.#outside.settings);
      return refuse(error.message);
    }
    const status = await this.#session.ended;
    await this.#away;
    await this.#session.drained();
    this.#over = true;
    await this.#keep();
    if (this.#why !== null) await this.#session.say(`hopline shell: ${this.#why}`);
    set(0, this.#outside.settings);
    if (this.#why !== null) return FAILED;
    if (status === null) dieBy(SIGHUP);
    else if ('signal' in status) dieBy(status.signal);
    else return status.code;
    return FAILED;
  }

  onDrain(): void {
    this.#session?.relieve();
  }

  onReleased(): void {
    this.#session?.resume(null);
  }

  onRefused(why: string): void {
    this.#why = why;
    this.#session?.hangUp();
  }

  onLost(): void {
    if (this.#over) return;
    if (this.#onFailure === 'end') this.#session?.hold();
    else this.#session?.resume(null);
    const coming = this.#return();
    // Where it goes on meanwhile nobody waits for the daemon.
    if (this.#onFailure === 'end') this.#away = coming;
  }

  #take({ link, onFailure }: Recorded): void {
    this.#link = link;
    this.#onFailure = onFailure;
  }

  /** The next daemon records what is left of it, as a recording of its own. */
  async #return(): Promise<void> {
    const until = Date.now() + AWAY_MS;
    let why = '';
    while (!this.#over && this.#why === null && (this.#onFailure === 'continue' || Date.now() < until)) {
      await sleep(RETRY_MS, undefined, { ref: false });
      const welcome = await this.greet();
      if (welcome.type === 'recorded') this.#take(welcome);
      if (welcome.type === 'recorded' || welcome.type === 'unrecorded') {
        this.#session?.resume(welcome.type === 'recorded' ? welcome.link : null);
        return;
      }
      why = welcome.why;
      if (welcome.type === 'refused') break;
    }
    if (this.#onFailure === 'end' && !this.#over) this.onRefused(unanswered(why));
  }

  async #keep(): Promise<void> {
    await Promise.race([this.#link?.end(), sleep(KEEP_MS, undefined, { ref: false })]);
  }
}

function beginningOf({ command }: Asked): Beginning {
  const size = windowOf(0);
  return {
    term: process.env.TERM ?? '',
    columns: size?.readUInt16LE(2) ?? 0,
    rows: size?.readUInt16LE(0) ?? 0,
    command,
  };
}

function straight(asked: Asked, first: string): number {
  if (first !== '') process.stdout.write(first);
  try {
    return become(programOf(asked, null));
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function refuse(why: string): number {
  process.stderr.write(`hopline shell: ${why}\n`);
  return FAILED;
}

function unanswered(why: string): string {
  return `this terminal is to be recorded, and hoplined cannot do it: ${why}. Ask an administrator to look: systemctl status hoplined, hopline doctor`;
}

/** What the daemon that was there last said for when there is none. Nobody but root writes there. */
function onFailure(run: string): 'end' | 'continue' {
  try {
    return readFileSync(`${run}/on-failure`, 'utf8').trim() === 'continue' ? 'continue' : 'end';
  } catch {
    return 'end';
  }
}
