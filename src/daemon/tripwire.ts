import type { Config } from '../config/types.ts';
import type { Endpoint, Id, Micros, Transport } from '../core/types.ts';
import type { Outgoing } from '../credentials/outgoing.ts';
import { Explainer, type FlowKey } from '../tripwire/explain.ts';
import { type PacketReport, TripwireProcess } from '../tripwire/watch.ts';
import { workerAccount } from './account.ts';
import type { StoreRecorder } from './store-recorder.ts';

const SWEEP_MS = 1000;
const ANY_PORT = 0;

export interface TripwireOptions {
  readonly config: Config;
  readonly entry: string;
  readonly record: StoreRecorder;
  onError(error: Error): void;
  now(): Micros;
}

/** Reports packets on the uplinks that no flow accounts for: what passed below every hook. */
export class Tripwire {
  readonly #options: TripwireOptions;
  readonly #explainer = new Explainer();
  readonly #byHop = new Map<Id, FlowKey>();
  readonly #process: TripwireProcess;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: TripwireOptions) {
    this.#options = options;
    this.#process = new TripwireProcess({
      entry: options.entry,
      account: workerAccount(options.config.proxy.user),
      interfaces: options.config.tripwire.interfaces,
      onReport: (report) => this.#explainer.packet(report),
      onLimited: (count) =>
        this.#notice(count, `${count} packets of new conversations came too fast to be looked at`),
      onFault: (message) => options.onError(new Error(message)),
    });
  }

  async start(): Promise<void> {
    await this.#process.start();
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  async stop(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#process.stop();
  }

  /** @param source null where it is not known: any explains a packet then */
  opened(hop: Id, transport: Transport, source: Endpoint | null, destination: Endpoint): void {
    const flow = { transport, source: source ?? anySource(destination), destination };
    this.#byHop.set(hop, flow);
    this.#explainer.open(flow, this.#options.now());
  }

  /** Of the supervisor itself, which asks and is answered within seconds. */
  own(transport: Transport, source: Endpoint | null, destination: Endpoint): void {
    const flow = { transport, source: source ?? anySource(destination), destination };
    this.#explainer.close(flow, this.#options.now());
  }

  ended(hop: Id): void {
    const flow = this.#byHop.get(hop);
    if (!flow) return;
    this.#byHop.delete(hop);
    this.#explainer.close(flow, this.#options.now());
  }

  #sweep(): void {
    const dropped = this.#explainer.dropped();
    if (dropped > 0) this.#notice(dropped, `${dropped} packets were not looked at`);
    for (const [text, count] of groups(this.#explainer.sweep(this.#options.now()))) this.#notice(count, text);
  }

  #notice(count: number, detail: string): void {
    this.#options.record.notice({ at: this.#options.now(), kind: 'tripwire', login: null, count, detail });
  }
}

function anySource(destination: Endpoint): Endpoint {
  return { address: destination.address.includes(':') ? '::' : '0.0.0.0', port: ANY_PORT };
}

const DNS_PORT = 53;

/**
 * The supervisor's own connections. Gap: from which port the system's resolver asks is not known, so that for a minute
 * after a look-up no packet to a resolver is reported.
 */
export function ownConnections(of: {
  readonly tripwire: Tripwire | null;
  readonly policy: { readonly config: Pick<Config, 'dns'> };
}): Outgoing {
  return {
    lookup: () => {
      for (const address of of.policy.config.dns.resolvers)
        for (const transport of ['udp', 'tcp'] as const)
          of.tripwire?.own(transport, null, { address, port: DNS_PORT });
    },
    connecting: (source, destination) => of.tripwire?.own('tcp', source, destination),
  };
}

/** The resolvers that a broker is about to ask for SSHFP records of a target's host; null: it is not to ask. */
export function resolversFor(
  of: Parameters<typeof ownConnections>[0] & { readonly policy: { readonly config: Pick<Config, 'sshfp'> } },
  target: string | null,
): readonly string[] | null {
  const { sshfp, dns } = of.policy.config;
  if (target === null || !sshfp.includes(target)) return null;
  ownConnections(of).lookup();
  return dns.resolvers;
}

/** Packets that differ in their source port alone are one finding. */
function groups(reports: readonly PacketReport[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { proto, source, destination, interface: device } of reports) {
    const text = `${proto} from ${source.address} to ${destination.address}${destination.port ? ` port ${destination.port}` : ''} left by ${device} and no known flow explains it`;
    found.set(text, (found.get(text) ?? 0) + 1);
  }
  return found;
}
