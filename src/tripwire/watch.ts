/** The supervisor's side: starts the tripwire process with CAP_NET_RAW alone, and again when it dies. */
import type { ChildProcess } from 'node:child_process';
import { type Account, spawnUnprivileged } from '../core/unprivileged.ts';
import { fromTripwire, type PacketReport } from './messages.ts';

export type { PacketReport } from './messages.ts';

export interface TripwireOptions {
  /** Path of the tripwire's entry, tripwire.ts. */
  readonly entry: string;
  readonly account: Account | null;
  readonly interfaces: 'auto' | readonly string[];
  readonly nodeArgs?: readonly string[];
  onReport(report: PacketReport): void;
  /** So many packets were not reported, because there were too many. */
  onLimited(count: number): void;
  /** It died, or cannot watch an interface, or broke its protocol: from here until it is ready again, less is seen. */
  onFault(message: string): void;
}

const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 30_000;
const START_MS = 20_000;

export class TripwireProcess {
  readonly #options: TripwireOptions;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #delayMs = BACKOFF_MIN_MS;
  #stopped = false;
  #ready: ((interfaces: readonly string[]) => void) | null = null;

  constructor(options: TripwireOptions) {
    this.#options = options;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /**
   * @returns the interfaces that are watched; none is possible, and was reported to `onFault`
   * @throws Error where the process does not come up
   */
  start(): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new Error(`the tripwire was not ready within ${START_MS / 1000} s; see what it wrote to the log`),
        );
      }, START_MS);
      this.#ready = (interfaces) => {
        clearTimeout(timer);
        resolve(interfaces);
      };
      try {
        this.#spawn();
      } catch (error) {
        clearTimeout(timer);
        reject(error);
      }
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const child = this.#child;
    if (child === null) return;
    await new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  }

  #spawn(): void {
    const { entry, account, interfaces, nodeArgs = [] } = this.#options;
    const args = interfaces === 'auto' ? ['auto'] : interfaces;
    const child = spawnUnprivileged({ entry, args, account, fds: [], capabilities: ['net_raw'], nodeArgs });
    this.#child = child;
    child.on('message', (value) => this.#take(child, value));
    child.on('error', (error) => this.#options.onFault(`the tripwire was not started: ${error.message}`));
    child.once('exit', (code, signal) => this.#gone(signal ?? `exit code ${code}`));
  }

  #take(child: ChildProcess, value: unknown): void {
    const message = fromTripwire(value);
    switch (message?.type) {
      case 'ready':
        this.#delayMs = BACKOFF_MIN_MS;
        this.#ready?.(message.interfaces);
        break;
      case 'report':
        this.#options.onReport(message.report);
        break;
      case 'limited':
        this.#options.onLimited(message.count);
        break;
      case 'trouble':
        this.#options.onFault(message.message);
        break;
      default:
        this.#options.onFault('the tripwire sent a message that is none of its protocol, and is killed');
        child.kill('SIGKILL');
    }
  }

  #gone(how: string): void {
    this.#child = null;
    if (this.#stopped) return;
    this.#options.onFault(`the tripwire ended (${how}); packets go unwatched until it is back`);
    this.#timer = setTimeout(() => this.#spawn(), this.#delayMs);
    this.#delayMs = Math.min(this.#delayMs * 2, BACKOFF_MAX_MS);
  }
}
