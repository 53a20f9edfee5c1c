/** Which reported packets no known flow explains. Pure: the time is an argument. */
import type { Endpoint, Micros, Transport } from '../core/types.ts';
import type { PacketReport } from './messages.ts';

export interface FlowKey {
  readonly transport: Transport;
  /** `0.0.0.0`, `::` and port 0 stand for any: what the kernel had not chosen when it told us. */
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

export interface ExplainerOptions {
  /** How long a packet waits for its flow: kernel events may be read later than packets. */
  readonly graceMs: number;
  /** How long a flow explains packets after it was closed. */
  readonly keepMs: number;
  /** Flows remembered, and packets waiting; beyond it the oldest flow is forgotten, the newest packet counted only. */
  readonly limit: number;
}

interface Known {
  open: number;
  until: Micros;
}

const DEFAULTS: ExplainerOptions = { graceMs: 3_000, keepMs: 90_000, limit: 200_000 };

export class Explainer {
  readonly #options: ExplainerOptions;
  readonly #flows = new Map<string, Known>();
  #waiting: PacketReport[] = [];
  #dropped = 0;

  constructor(options: Partial<ExplainerOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options };
  }

  /** The flow is known from here on, until it is closed and `keepMs` more. */
  open(flow: FlowKey, now: Micros): void {
    const key = keyOf(flow.transport, flow.source, flow.destination);
    const known = this.#flows.get(key);
    this.#flows.delete(key);
    this.#flows.set(key, { open: (known?.open ?? 0) + 1, until: now + this.#options.keepMs * 1000 });
    if (this.#flows.size <= this.#options.limit) return;
    const [oldest] = this.#flows.keys();
    if (oldest !== undefined) this.#flows.delete(oldest);
  }

  /** A flow that was opened, or never was: a datagram that the kernel let pass is both at once. */
  close(flow: FlowKey, now: Micros): void {
    const key = keyOf(flow.transport, flow.source, flow.destination);
    const known = this.#flows.get(key);
    const open = Math.max((known?.open ?? 0) - 1, 0);
    this.#flows.set(key, { open, until: now + this.#options.keepMs * 1000 });
  }

  packet(report: PacketReport): void {
    if (this.#waiting.length >= this.#options.limit) this.#dropped += 1;
    else this.#waiting.push(report);
  }

  /**
   * Call every second or so.
   * @returns packets whose grace is over and that nothing explains
   */
  sweep(now: Micros): readonly PacketReport[] {
    const still: PacketReport[] = [];
    const unexplained: PacketReport[] = [];
    for (const report of this.#waiting) {
      if (this.#explains(report)) continue;
      if (now - report.at < this.#options.graceMs * 1000) still.push(report);
      else unexplained.push(report);
    }
    this.#waiting = still;
    for (const [key, { open, until }] of this.#flows) if (open === 0 && until < now) this.#flows.delete(key);
    return unexplained;
  }

  /** Packets that were not looked at, because too many waited; since this was last asked. */
  dropped(): number {
    const count = this.#dropped;
    this.#dropped = 0;
    return count;
  }

  #explains(report: PacketReport): boolean {
    const { proto, source, destination } = report;
    const transport: Transport = proto === 'tcp' || proto === 'udp' ? proto : 'other';
    const any = destination.address.includes(':') ? '::' : '0.0.0.0';
    for (const address of [source.address, any])
      for (const port of [source.port, 0]) {
        const known = this.#flows.get(keyOf(transport, { address, port }, destination));
        if (known !== undefined && (known.open > 0 || known.until >= report.at)) return true;
      }
    return false;
  }
}

function keyOf(transport: Transport, source: Endpoint, destination: Endpoint): string {
  return `${transport} ${source.address} ${source.port} ${destination.address} ${destination.port}`;
}
