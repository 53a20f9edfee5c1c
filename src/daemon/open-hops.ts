import type { HopDraft } from '../attribution/recorder.ts';
import type { Root } from '../attribution/roots.ts';
import type { Id } from '../core/types.ts';

export interface OpenHop {
  readonly hop: HopDraft;
  readonly root: Root | null;
  /** Why Hopline is closing it. */
  closing: string | null;
}

/** The hops that are open now: what a revocation or a new policy may have to close. */
export class OpenHops {
  readonly #hops = new Map<Id, OpenHop>();

  add(open: OpenHop): void {
    this.#hops.set(open.hop.id, open);
  }

  /** @returns why Hopline closed it, or null where it did not */
  delete(hop: Id): string | null {
    const closing = this.#hops.get(hop)?.closing ?? null;
    this.#hops.delete(hop);
    return closing;
  }

  get(hop: Id): OpenHop | undefined {
    return this.#hops.get(hop);
  }

  get size(): number {
    return this.#hops.size;
  }

  of(root: Root): OpenHop[] {
    return this.all().filter((open) => open.root === root);
  }

  all(): OpenHop[] {
    return [...this.#hops.values()];
  }
}
