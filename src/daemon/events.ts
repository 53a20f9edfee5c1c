import type { Attribution } from '../attribution/attribution.ts';
import type { Micros } from '../core/types.ts';
import { HlLoss } from '../kernel/layouts.generated.ts';
import type { KernelMaps } from '../kernel/maps.ts';
import type { StoreRecorder } from './store-recorder.ts';

const BATCH = 4096;
const BUSY_MS = 2;
const IDLE_MS = 40;
const LOSS_CHECK_MS = 1000;

const LOSSES: Readonly<Record<number, string>> = {
  [HlLoss.LOSS_EVENT]:
    'kernel events did not fit the ring buffer: programs, ends of hops or handoffs are missing from the record',
  [HlLoss.LOSS_LINEAGE]: 'processes could not be remembered in the kernel: what they do is unattributed',
  [HlLoss.LOSS_ROOT]: 'logins could not be remembered in the kernel: what happens in them is unattributed',
  [HlLoss.LOSS_FLOW]: 'intercepted connections had no room for a flow record, and were refused',
  [HlLoss.LOSS_SOCKET]: 'connections were refused because the kernel had no memory to record them',
};

export interface EventLoopOptions {
  readonly maps: KernelMaps;
  readonly attribution: Attribution;
  readonly record: StoreRecorder;
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
  #lossTimer: NodeJS.Timeout | null = null;
  #losses: bigint[];
  #stopped = false;
  #handled = 0;

  constructor(options: EventLoopOptions) {
    this.#options = options;
    this.#losses = options.maps.losses();
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
    this.#lossTimer = setInterval(() => this.#checkLosses(), LOSS_CHECK_MS);
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#lossTimer) clearInterval(this.#lossTimer);
    while (this.drain() > 0) this.commit();
    this.#checkLosses();
    this.commit();
  }

  /** Takes in what the kernel has reported, without writing it yet. */
  drain(): number {
    const { maps, attribution } = this.#options;
    let total = 0;
    for (;;) {
      const count = maps.events.read((view, at) => {
        try {
          attribution.handle(view, at);
        } catch (error) {
          this.#options.onError(error as Error);
        }
      }, BATCH);
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

  #checkLosses(): void {
    this.#options.attribution.drainPam();
    const now = this.#options.maps.losses();
    now.forEach((value, index) => {
      const lost = Number(value - (this.#losses[index] ?? 0n));
      if (lost <= 0) return;
      this.#options.record.notice({
        at: this.#options.now(),
        kind: 'loss',
        login: null,
        count: lost,
        detail: LOSSES[index] ?? `loss ${index}`,
      });
    });
    this.#losses = now;
  }
}
