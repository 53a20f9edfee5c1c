/** A process without privilege that the supervisor keeps running: started, again when it ends, and stopped. */
import type { ChildProcess } from 'node:child_process';
import { spawnUnprivileged, type Unprivileged } from './unprivileged.ts';

export interface KeptProcessOptions extends Unprivileged {
  /** What is sent from here on is the first that it reads. */
  onStarted?(): void;
  onMessage(value: unknown): void;
  /** It ended by itself, or was not started; it is tried again in a moment. */
  onEnded(how: string): void;
}

const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 30_000;

export class KeptProcess {
  readonly #options: KeptProcessOptions;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #delayMs = BACKOFF_MIN_MS;

  constructor(options: KeptProcessOptions) {
    this.#options = options;
  }

  /** Null where it does not run. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** @returns false where it runs already, or is about to. @throws Error as {@link spawnUnprivileged} */
  start(): boolean {
    if (this.#child !== null || this.#timer !== null) return false;
    const child = spawnUnprivileged(this.#options);
    this.#child = child;
    child.on('message', (value) => this.#options.onMessage(value));
    child.once('exit', (code, signal) => this.#gone(child, signal ?? `exit code ${code}`));
    // Of a process that could not be started no 'exit' comes.
    child.on('error', (error) => {
      if (child.pid === undefined) this.#gone(child, error.message);
    });
    this.#options.onStarted?.();
    return true;
  }

  /** It works: should it end, it is started again soon. */
  works(): void {
    this.#delayMs = BACKOFF_MIN_MS;
  }

  /** Nothing where it does not run. */
  send(message: object): void {
    if (this.#child?.connected) this.#child.send(message);
  }

  /** It cannot be trusted to do what it should: another takes its place. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  /** Ends it; `start` starts it again. @returns when it is gone */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }

  #gone(child: ChildProcess, how: string): void {
    // Stopped, or told of twice.
    if (this.#child !== child) return;
    this.#child = null;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.start();
    }, this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, BACKOFF_MAX_MS);
    this.#options.onEnded(how);
  }
}
