/** Processes that act as the people whose SSH connections there are: the supervisor opens none of their files itself. */
import type { ChildProcess } from 'node:child_process';
import { record, text } from '../core/fields.ts';
import { LineReader } from '../core/lines.ts';
import { spawnUnprivileged } from '../core/unprivileged.ts';
import type { SshPerson } from './ssh-person.ts';

export interface BrokersOptions {
  /** Path of broker.ts. */
  readonly entry: string;
  /** Null: a supervisor without privilege, in tests. */
  readonly asOthers: boolean;
}

/** One is kept for the next connection, which is then quicker by the start of a process. */
const IDLE_MS = 60_000;
const MOST = 64;
/** Of one user, whose every key file that is named may want another. */
const MOST_OF_ONE = 8;
/** A person may have to touch a key. */
const ANSWER_MS = 60_000;
const ERROR_LIMIT = 1024;
/** Four files of 2 MB, escaped. */
const LONGEST_ANSWER = 24 * 1024 * 1024;

interface Waiting {
  resolve(found: unknown): void;
  reject(error: Error): void;
  readonly timer: NodeJS.Timeout;
}

class Broker {
  readonly uid: number;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onGone: () => void;
  #idle: NodeJS.Timeout | undefined;
  #next = 1;

  constructor(uid: number, child: ChildProcess, onGone: () => void) {
    this.uid = uid;
    this.#child = child;
    this.#onGone = onGone;
    // Threat: it runs as the person, who can have it say anything, and as much.
    const lines = new LineReader(LONGEST_ANSWER);
    child.stdout?.on('data', (chunk: Buffer) => {
      for (const line of lines.push(chunk)) this.#take(line);
      if (lines.overflow) this.end();
    });
    child.stdin?.on('error', () => {});
    child.on('error', () => this.#gone());
    child.on('exit', () => this.#gone());
    this.#rest();
  }

  /** Nobody waits for it. */
  get idle(): boolean {
    return this.#waiting.size === 0;
  }

  ask(question: string, detail: unknown): Promise<unknown> {
    const seq = this.#next++;
    clearTimeout(this.#idle);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#settle(seq, null, 'no answer'), ANSWER_MS);
      this.#waiting.set(seq, { resolve, reject, timer });
      if (this.#child.stdin?.writable)
        this.#child.stdin.write(`${JSON.stringify({ seq, question, detail })}\n`);
      else this.#settle(seq, null, 'the process that acts for the person has ended');
    });
  }

  end(): void {
    clearTimeout(this.#idle);
    this.#child.stdin?.end();
    this.#child.kill();
  }

  /** It is the person's process: what it says is believed of that person alone. */
  #take(line: string): void {
    const m = record(parsed(line));
    if (m === null || typeof m.seq !== 'number' || !text(m.error, ERROR_LIMIT)) return;
    this.#settle(m.seq, m.found, m.error);
  }

  #settle(seq: number, found: unknown, error: string): void {
    const waiting = this.#waiting.get(seq);
    if (waiting === undefined) return;
    this.#waiting.delete(seq);
    clearTimeout(waiting.timer);
    if (error === '') waiting.resolve(found);
    else waiting.reject(new Error(error));
    if (this.#waiting.size === 0) this.#rest();
  }

  #rest(): void {
    this.#idle = setTimeout(() => this.end(), IDLE_MS).unref();
  }

  #gone(): void {
    for (const seq of [...this.#waiting.keys()])
      this.#settle(seq, null, 'the process that acts for the person has ended');
    clearTimeout(this.#idle);
    this.#onGone();
  }
}

export class Brokers {
  readonly #options: BrokersOptions;
  readonly #brokers = new Map<string, Broker>();

  constructor(options: BrokersOptions) {
    this.#options = options;
  }

  /** @throws Error where there is no answer */
  async ask(person: SshPerson, question: string, detail: unknown): Promise<unknown> {
    const key = JSON.stringify(person);
    const known = this.#brokers.get(key);
    if (known !== undefined) return known.ask(question, detail);
    this.#makeRoom(person.account.uid);
    const { account, readsAll, ...rest } = person;
    const { entry, asOthers } = this.#options;
    const child = spawnUnprivileged({
      entry,
      args: [JSON.stringify(rest)],
      account: asOthers ? account : null,
      capabilities: readsAll ? ['dac_read_search'] : [],
      fds: [],
      pipes: true,
      nodeArgs: ['--disable-warning=ExperimentalWarning'],
    });
    const broker = new Broker(account.uid, child, () => {
      if (this.#brokers.get(key) === broker) this.#brokers.delete(key);
    });
    this.#brokers.set(key, broker);
    return broker.ask(question, detail);
  }

  /** Ends one that nobody waits for. @throws Error where there is none */
  #makeRoom(uid: number): void {
    const all = [...this.#brokers];
    const own = all.filter(([, broker]) => broker.uid === uid);
    const crowded = own.length >= MOST_OF_ONE ? own : all.length >= MOST ? all : null;
    if (crowded === null) return;
    const [key, idle] = crowded.find(([, broker]) => broker.idle) ?? [];
    if (key === undefined) throw new Error('too many questions about keys wait for an answer');
    this.#brokers.delete(key);
    idle?.end();
  }

  stop(): void {
    for (const broker of [...this.#brokers.values()]) broker.end();
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
