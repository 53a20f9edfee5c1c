import type { Attribution } from '../attribution/attribution.ts';
import type { Root } from '../attribution/roots.ts';
import type { Endpoint, Id, Micros } from '../core/types.ts';
import { HlTally } from '../kernel/layouts.generated.ts';
import type { KernelMaps } from '../kernel/maps.ts';
import type { WorkerPool } from '../proxy/supervise.ts';
import type { OpenHop, OpenHops } from './open-hops.ts';
import type { StoreRecorder } from './store-recorder.ts';

export interface RevokeOptions {
  readonly maps: KernelMaps;
  readonly attribution: Attribution;
  readonly record: StoreRecorder;
  readonly open: OpenHops;
  pool(): Pick<WorkerPool, 'close' | 'endShells'>;
  /** @returns those that were closed */
  destroy<T extends { source: Endpoint; destination: Endpoint }>(
    connections: readonly T[],
  ): Promise<ReadonlySet<T>>;
  /** Takes in the ends that the kernel has reported. */
  drain(): void;
  onError(error: Error): void;
  now(): number;
}

export interface Closed {
  readonly closed: readonly Id[];
  /** UDP of revoked logins: the sockets stay, and the kernel lets nothing more out of them. */
  readonly silenced: readonly Id[];
  /** Those that go on, and why. */
  readonly open: readonly { readonly hop: Id; readonly reason: string }[];
}

export interface Closing {
  readonly open: OpenHop;
  readonly reason: string;
}

/** Ends what a login may do: first in the kernel, so that nothing new begins, then what is live. */
export class Revocations {
  readonly #options: RevokeOptions;

  constructor(options: RevokeOptions) {
    this.#options = options;
  }

  /** What of the login was live, and what became of it. */
  login(root: Root, by: string, reason: string): Promise<Closed> {
    const { maps, attribution, record, open } = this.#options;
    const at = this.#options.now();
    maps.revoked.set(root.kernelId, 1);
    tallyRevocations(maps);
    if (root.revoked === null) {
      root.revoked = at;
      attribution.store(root, null);
      this.#record(root.id, at, by, reason);
    }
    record.flush();
    this.#options.pool().endShells(root.id, `your login was revoked: ${reason}`);
    return this.close(open.of(root).map((each) => ({ open: each, reason: `revoked: ${reason}` })));
  }

  /** One of which nothing lives here any more: what is told of it later, and what came by it, is of a revoked login. */
  over(login: Id, by: string, reason: string): void {
    this.#record(login, this.#options.now(), by, reason);
    this.#options.record.flush();
  }

  #record(login: Id, at: Micros, by: string, reason: string): void {
    const { record } = this.#options;
    record.revocation(login, { at, by, reason });
    record.notice({ at, kind: 'revoke', login, count: 1, detail: `revoked by ${by}: ${reason}` });
  }

  /** Resets what the proxy forwards, and has the kernel close what is direct. */
  async close(all: readonly Closing[]): Promise<Closed> {
    const closed: Id[] = [];
    const silenced: Id[] = [];
    const left: { hop: Id; reason: string }[] = [];
    const direct: { open: OpenHop; source: Endpoint; destination: Endpoint }[] = [];
    for (const { open, reason } of all) {
      const { id, mode, transport, source, destination } = open.hop;
      // Where no worker has it, it has ended by itself a moment ago.
      if (mode === 'inspect') {
        if (this.#options.pool().close(id, reason)) closed.push(id);
      } else if (transport === 'tcp' && source !== null) {
        open.closing = reason;
        direct.push({ open, source, destination });
      } else if (transport === 'udp' && open.root !== null && open.root.revoked !== null) silenced.push(id);
      else left.push({ hop: id, reason: `${transport} has no connection that could be closed` });
    }
    const gone = await this.#destroy(direct);
    this.#options.drain();
    for (const each of direct) {
      const { hop } = each.open;
      if (gone.has(each)) closed.push(hop.id);
      else if (this.#options.open.get(hop.id) === each.open) {
        each.open.closing = null;
        left.push({ hop: hop.id, reason: 'the kernel has no such connection in this network namespace' });
      }
    }
    return { closed, silenced, open: left };
  }

  async #destroy<T extends { source: Endpoint; destination: Endpoint }>(
    direct: readonly T[],
  ): Promise<ReadonlySet<T>> {
    if (direct.length === 0) return new Set();
    try {
      return await this.#options.destroy(direct);
    } catch (error) {
      this.#options.onError(error as Error);
      return new Set();
    }
  }
}

/** Connects look into the map of the revoked only where this says that it has entries. */
export function tallyRevocations(maps: KernelMaps): void {
  maps.tallies.set(HlTally.TALLY_REVOCATIONS, BigInt(maps.revoked.keys().length));
}

/** The record knows who was revoked also where the kernel's map was made anew. */
export function restoreRevocations(maps: KernelMaps, roots: Iterable<Root>): void {
  for (const root of roots) if (root.revoked !== null) maps.revoked.set(root.kernelId, 1);
  tallyRevocations(maps);
}
