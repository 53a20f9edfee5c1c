/** Revocations that go on to other hosts: what came by a revoked login's hops ends there, too. */
import type { Root } from '../attribution/roots.ts';
import type { Id, Micros } from '../core/types.ts';
import { MOST_IDS, type RevokedOn, type RevokedThere } from '../peers/protocol.ts';
import type { HopChild } from '../store/links.ts';
import type { Reader } from '../store/reader.ts';
import type { Peering } from './peering.ts';
import type { Closed } from './revoke.ts';

export interface PeerRevocationsOptions {
  /** The others of the fleet, and this host. */
  readonly ask: Peering['ask'];
  readonly reader: Pick<Reader, 'childrenOf' | 'childrenOfHop' | 'revokedChildren' | 'login'>;
  rootOf(login: Id): Root | undefined;
  /** Ends what a login here may do. */
  end(root: Root, by: string, reason: string): Promise<Closed>;
  /** Of a login of which nothing lives here any more, and of what came by it something does. */
  over(login: Id, by: string, reason: string): void;
  onError(error: Error): void;
  now(): Micros;
}

/** What became of logins and of what is below them. */
export interface RevokedTree {
  /** Those of this host that are revoked by it, or were. */
  readonly logins: readonly Id[];
  readonly closed: readonly Closed[];
  readonly hosts: readonly RevokedOn[];
}

/** A host that was away for longer has logins that ended long ago. */
const TOLD_AGAIN: Micros = 7 * 24 * 3_600_000_000;

export class PeerRevocations {
  readonly #options: PeerRevocationsOptions;

  constructor(options: PeerRevocationsOptions) {
    this.#options = options;
  }

  /**
   * Of logins of this host, live or over: what came by a login may outlive it (`ssh host 'nohup … &'`). One that is over is
   * revoked where something below it ended by that, or could not be told.
   */
  async tree(logins: readonly Id[], by: string, reason: string): Promise<RevokedTree> {
    const { end, over, reader, rootOf } = this.#options;
    const live = logins.flatMap((id) => rootOf(id) ?? []);
    // Its hops are closed first: what is revoked elsewhere comes by them.
    const closed = await Promise.all(live.map((root) => end(root, by, reason)));
    const children = new Map(logins.map((id) => [id, reader.childrenOf(id)]));
    const hosts = await this.#elsewhere([...children.values()].flat(), by, reason);
    const concerned = (of: readonly HopChild[]) =>
      of.some((child) =>
        hosts.some(
          ({ host, logins: there, reason: untold }) =>
            host === child.host && (untold !== null || there.includes(child.login)),
        ),
      );
    const ended = new Set(live.map(({ id }) => id));
    const gone = [...children].flatMap(([id, of]) => (!ended.has(id) && concerned(of) ? [id] : []));
    // Told again and again, it is revoked once.
    for (const id of gone) if (reader.login(id).revoked === null) over(id, by, reason);
    return { logins: [...ended, ...gone], closed, hosts };
  }

  belowHop(hop: Id, by: string, reason: string): Promise<RevokedOn[]> {
    return this.#elsewhere(this.#options.reader.childrenOfHop(hop), by, reason);
  }

  /** The host may have been away when these were revoked. */
  up(host: string): void {
    const { reader, now } = this.#options;
    const children = reader.revokedChildren(host, now() - TOLD_AGAIN);
    const whys = new Map(children.map((child) => [`${child.by}\0${child.reason}`, child]));
    for (const { by, reason } of whys.values()) {
      const of = children.filter((child) => child.by === by && child.reason === reason);
      void this.#elsewhere(of, by, reason);
    }
  }

  /** @returns of each host one, those that are further away behind those by which they are reached */
  async #elsewhere(children: readonly HopChild[], by: string, reason: string): Promise<RevokedOn[]> {
    const hosts = new Map<string, Set<Id>>();
    for (const { host, hop } of children) hosts.set(host, (hosts.get(host) ?? new Set()).add(hop));
    const all = await Promise.all(
      [...hosts].map(([host, hops]) => this.#ask(host, [...hops].slice(-MOST_IDS), by, reason)),
    );
    return all.flat();
  }

  async #ask(host: string, hops: readonly Id[], by: string, reason: string): Promise<RevokedOn[]> {
    try {
      const { beyond, ...done } = await this.#options.ask(host, 'revoke', {
        ...{ hops, by: by.slice(0, 512), reason: reason.slice(0, 2048) },
      });
      return [{ host, ...done, reason: null }, ...beyond];
    } catch (error) {
      this.#options.onError(new Error(`${host}: ${(error as Error).message}`));
      return [{ host, logins: [], hops: [], reason: (error as Error).message }];
    }
  }
}

/** As it is told to the host that asked for it. */
export function revokedThere({ logins, closed, hosts }: RevokedTree): RevokedThere {
  return {
    logins: logins.slice(0, MOST_IDS),
    hops: closed.flatMap((each) => each.closed).slice(0, MOST_IDS),
    beyond: hosts,
  };
}
