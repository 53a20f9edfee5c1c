import type { Attribution } from '../attribution/attribution.ts';
import type { Micros } from '../core/types.ts';
import { HlLoss } from '../kernel/layouts.generated.ts';
import type { KernelMaps } from '../kernel/maps.ts';
import type { StoreRecorder } from './store-recorder.ts';

const BATCH = 4096;
const BUSY_MS = 2;
const IDLE_MS = 40;
const TICK_MS = 1000;

const LOSSES: Readonly<Record<number, string>> = {
  [HlLoss.LOSS_EVENT]:
    'kernel events did not fit the ring buffer: programs, ends of hops or handoffs are missing from the record',
  [HlLoss.LOSS_LINEAGE]: 'processes could not be remembered in the kernel: what they do is unattributed',
  [HlLoss.LOSS_ROOT]: 'logins could not be remembered in the kernel: what happens in them is unattributed',
  [HlLoss.LOSS_FLOW]:
    'intercepted connections had no room for a flow record, or the source port of one that still waited, and were refused',
  [HlLoss.LOSS_SOCKET]: 'connections were refused because the kernel had no memory to record them',
};

export interface EventLoopOptions {
  readonly maps: KernelMaps;
  readonly attribution: Attribution;
  readonly record: StoreRecorder;
  /** Losses that the record has told of already, as {@link KernelMaps.losses} counts them. */
  readonly told: readonly bigint[];
  /** They have been told up to here. */
  onTold(losses: readonly bigint[]): void;
  /** Null while no DNS answer is out for parsing. */
  namesSettled(): Promise<void> | null;
  /** All that was handed over so far is in the store. */
  onCommitted(): void;
  onError(error: Error): void;
  now(): Micros;
}

/**
 * Reads the ring, and gives its room back once what it said is in the store: a supervisor that is
 * killed in between reads the same events again.
 */
export class EventLoop {
  readonly #options: EventLoopOptions;
  #timer: NodeJS.Timeout | null = null;
  #ticker: NodeJS.Timeout | null = null;
  #told: readonly bigint[];
  #stopped = false;
  #handled = 0;

  constructor(options: EventLoopOptions) {
    this.#options = options;
    this.#told = options.told;
  }

  get handled(): number {
    return this.#handled;
  }

  start(): void {
    const turn = async () => {
      const count = this.drain();
      if (!this.#stopped) await this.#settle();
      this.commit();
      if (!this.#stopped) this.#timer = setTimeout(() => void turn(), count > 0 ? BUSY_MS : IDLE_MS);
    };
    this.#timer = setTimeout(() => void turn(), 0);
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
    this.#tick();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#ticker) clearInterval(this.#ticker);
    this.drain();
    this.#tick(true);
    this.commit();
  }

  /**
   * Takes in what the kernel has reported up to now, without writing all of it yet. What it reports meanwhile is for
   * the next time: one program that connects in a loop reports faster than this reads.
   */
  drain(): number {
    const { maps, attribution } = this.#options;
    const until = maps.events.produced();
    const handle = (view: DataView, at: number): void => {
      try {
        attribution.handle(view, at);
      } catch (error) {
        this.#options.onError(error as Error);
      }
    };
    let total = 0;
    for (;;) {
      const count = maps.events.read(handle, BATCH, until);
      total += count;
      this.#handled += count;
      if (count < BATCH) return total;
      this.commit();
    }
  }

  /** While the disk is full the recorder keeps what it can: the ring's room is worth more to what comes next. */
  commit(): void {
    const { maps, record } = this.#options;
    if (record.flush()) this.#options.onCommitted();
    maps.events.release();
  }

  async #settle(): Promise<void> {
    const settled = this.#options.namesSettled();
    if (settled) await settled;
  }

  #tick(last = false): void {
    const { attribution, record } = this.#options;
    attribution.drainPam();
    this.#tellLosses();
    record.settle(this.#options.now(), last);
  }

  #tellLosses(): void {
    const { record } = this.#options;
    const now = this.#options.maps.losses();
    const at = this.#options.now();
    const news = now.map((value, index) => Number(value - (this.#told[index] ?? 0n)));
    if (news.every((count) => count <= 0)) return;
    for (const [index, count] of news.entries())
      if (count > 0)
        record.notice({ at, kind: 'loss', login: null, count, detail: LOSSES[index] ?? `loss ${index}` });
    this.#told = now;
    this.#options.onTold(now);
  }
}
