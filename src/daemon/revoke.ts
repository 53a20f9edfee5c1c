import { execFile } from 'node:child_process';
import type { Attribution } from '../attribution/attribution.ts';
import type { Root } from '../attribution/roots.ts';
import type { Endpoint, Id } from '../core/types.ts';
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
  pool(): WorkerPool;
  onError(error: Error): void;
  now(): number;
}

/** Ends what a login may do: first in the kernel, so that nothing new begins, then what is live. */
export class Revocations {
  readonly #options: RevokeOptions;

  constructor(options: RevokeOptions) {
    this.#options = options;
  }

  /** @returns the hops that were closed */
  login(root: Root, by: string, reason: string): Id[] {
    const { maps, attribution, record } = this.#options;
    const at = this.#options.now();
    maps.revoked.set(root.kernelId, 1);
    tallyRevocations(maps);
    if (root.revoked === null) {
      root.revoked = at;
      attribution.store(root, null);
      record.revocation(root.id, { at, by, reason });
      record.notice({ at, kind: 'revoke', login: root.id, count: 1, detail: `revoked by ${by}: ${reason}` });
    }
    const closed = this.#options.open.of(root).filter((open) => this.hop(open, `revoked: ${reason}`));
    record.flush();
    return closed.map(({ hop }) => hop.id);
  }

  hop(open: OpenHop, reason: string): boolean {
    if (open.hop.mode === 'inspect') return this.#options.pool().close(open.hop.id, reason);
    if (open.source === null) return false;
    open.closing = reason;
    this.#destroy(open.hop.transport, open.source, open.hop.destination);
    return true;
  }

  /** A direct connection has no proxy in it: the kernel closes the socket (SOCK_DESTROY, ss -K). */
  #destroy(transport: string, source: Endpoint, destination: Endpoint): void {
    const end = ({ address, port }: Endpoint) =>
      address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    const args = ['-K', transport === 'udp' ? '-u' : '-t', '-n', 'src', end(source), 'dst', end(destination)];
    execFile('ss', args, { timeout: 5000 }, (error) => {
      if (error)
        this.#options.onError(
          new Error(`can't close ${end(source)} → ${end(destination)}: ${error.message}`),
        );
    });
  }
}

/** Connects look into the map of the revoked only where this says that it has entries. */
export function tallyRevocations(maps: KernelMaps): void {
  maps.tallies.set(HlTally.TALLY_REVOCATIONS, BigInt(maps.revoked.keys().length));
}
