/** The supervisor's side: starts the tripwire process with CAP_NET_RAW alone, and again when it dies. */
import { KeptProcess } from '../core/kept-process.ts';
import type { Account } from '../core/unprivileged.ts';
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

const START_MS = 20_000;

export class TripwireProcess {
  readonly #options: TripwireOptions;
  readonly #process: KeptProcess;
  #ready: ((interfaces: readonly string[]) => void) | null = null;

  constructor(options: TripwireOptions) {
    const { entry, account, interfaces, nodeArgs = [], onFault } = options;
    this.#options = options;
    this.#process = new KeptProcess({
      ...{ entry, account, nodeArgs, fds: [], capabilities: ['net_raw'] },
      args: interfaces === 'auto' ? ['auto'] : interfaces,
      onMessage: (value) => this.#take(value),
      onEnded: (how) => onFault(`the tripwire ended (${how}); packets go unwatched until it is back`),
    });
  }

  get pid(): number | null {
    return this.#process.pid;
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
        this.#process.start();
      } catch (error) {
        clearTimeout(timer);
        reject(error);
      }
    });
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }

  #take(value: unknown): void {
    const message = fromTripwire(value);
    switch (message?.type) {
      case 'ready':
        this.#process.works();
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
        this.#process.kill();
    }
  }
}
