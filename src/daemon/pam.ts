import type { PamEvent } from '../attribution/pam-event.ts';
import { PamSpool } from '../attribution/pam-spool.ts';
import type { Micros } from '../core/types.ts';
import type { StoreRecorder } from './store-recorder.ts';

export interface PamSessionsOptions {
  readonly dir: string;
  readonly record: StoreRecorder;
  onEvents(events: readonly PamEvent[]): void;
  onError(error: Error): void;
  now(): Micros;
}

/** What PAM says of sessions, on its way into the record: each file stays until it is there. */
export class PamSessions implements Disposable {
  readonly #options: PamSessionsOptions;
  readonly #spool: PamSpool;
  #unacknowledged: PamEvent[] = [];
  #failing = false;

  constructor(options: PamSessionsOptions) {
    this.#options = options;
    this.#spool = new PamSpool({
      dir: options.dir,
      onEvents: (events) => {
        this.#unacknowledged.push(...events);
        options.onEvents(events);
      },
      onBad: (file, why) => this.#bad(file, why),
      onFault: options.onError,
    });
  }

  start(): void {
    this.#spool.start();
  }

  /** Sessions that have opened since; none where the directory can't be read, which is told once. */
  drain(): readonly PamEvent[] {
    try {
      const events = this.#spool.drain();
      this.#unacknowledged.push(...events);
      this.#failing = false;
      return events;
    } catch (error) {
      if (!this.#failing) this.#options.onError(error as Error);
      this.#failing = true;
      return [];
    }
  }

  /** All that was handed out so far is in the store. */
  committed(): void {
    if (this.#unacknowledged.length > 0) this.#spool.acknowledge(this.#unacknowledged.splice(0));
  }

  [Symbol.dispose](): void {
    this.#spool[Symbol.dispose]();
  }

  #bad(file: string, why: string): void {
    const detail = `a file of the PAM hook is no event and was moved to bad/${file} (${why}): whose session it was is not known`;
    this.#options.record.notice({ at: this.#options.now(), kind: 'loss', login: null, count: 1, detail });
  }
}
