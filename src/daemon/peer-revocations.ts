/** Revocations that go on to other hosts: what came by a revoked login's hops ends there, too. */
import type { Root } from '../attribution/roots.ts';
import type { Id, Micros } from '../core/types.ts';
import { MOST_IDS, type RevokedThere } from '../peers/protocol.ts';
import type { HopChild } from '../store/links.ts';
import type { Reader } from '../store/reader.ts';
import type { Peering } from './peering.ts';
import type { Closed } from './revoke.ts';

export interface PeerRevocationsOptions {
  readonly peering: Pick<Peering, 'ask'>;
  readonly reader: Pick<Reader, 'childrenOf' | 'childrenOfHop' | 'revokedChildren'>;
  /** Ends what a login here may do. */
  end(root: Root, by: string, reason: string): Promise<Closed>;
  onError(error: Error): void;
  now(): Micros;
}

/** What became of a revocation on another host. */
export interface RevokedOn {
  readonly host: string;
  readonly logins: readonly Id[];
  readonly hops: readonly Id[];
  /** Why it could not be told; it is told when it is connected again. Null: it was. */
  readonly reason: string | null;
}

/** A host that was away for longer has logins that ended long ago. */
const TOLD_AGAIN: Micros = 7 * 24 * 3_600_000_000;

export class PeerRevocations {
  readonly #options: PeerRevocationsOptions;

  constructor(options: PeerRevocationsOptions) {
    this.#options = options;
  }

  /** @returns what ended on this host */
  async tree(roots: readonly Root[], by: string, reason: string): Promise<RevokedThere> {
    const { end, reader } = this.#options;
    const closed = await Promise.all(roots.map((root) => end(root, by, reason)));
    await this.elsewhere(
      roots.flatMap(({ id }) => reader.childrenOf(id)),
      by,
      reason,
    );
    return {
      logins: roots.map(({ id }) => id),
      hops: closed.flatMap((each) => each.closed).slice(0, MOST_IDS),
    };
  }

  /** Of logins of this host, whose end is seen to by who calls. */
  below(roots: readonly Root[], by: string, reason: string): Promise<RevokedOn[]> {
    const children = roots.flatMap(({ id }) => this.#options.reader.childrenOf(id));
    return this.elsewhere(children, by, reason);
  }

  belowHop(hop: Id, by: string, reason: string): Promise<RevokedOn[]> {
    return this.elsewhere(this.#options.reader.childrenOfHop(hop), by, reason);
  }

  /** The host may have been away when these were revoked. */
  up(host: string): void {
    const { reader, now } = this.#options;
    const children = reader.revokedChildren(host, now() - TOLD_AGAIN);
    const whys = new Map(children.map((child) => [`${child.by}\0${child.reason}`, child]));
    for (const { by, reason } of whys.values()) {
      const of = children.filter((child) => child.by === by && child.reason === reason);
      void this.elsewhere(of, by, reason);
    }
  }

  elsewhere(children: readonly HopChild[], by: string, reason: string): Promise<RevokedOn[]> {
    const hosts = new Map<string, Set<Id>>();
    for (const { host, hop } of children) hosts.set(host, (hosts.get(host) ?? new Set()).add(hop));
    return Promise.all(
      [...hosts].map(([host, hops]) => this.#ask(host, [...hops].slice(-MOST_IDS), by, reason)),
    );
  }

  async #ask(host: string, hops: readonly Id[], by: string, reason: string): Promise<RevokedOn> {
    try {
      const done = await this.#options.peering.ask(host, 'revoke', {
        ...{ hops, by: by.slice(0, 512), reason: reason.slice(0, 2048) },
      });
      return { host, ...done, reason: null };
    } catch (error) {
      this.#options.onError(new Error(`${host}: ${(error as Error).message}`));
      return { host, logins: [], hops: [], reason: (error as Error).message };
    }
  }
}
