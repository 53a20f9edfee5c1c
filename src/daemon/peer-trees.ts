/** Trees that go on on other hosts, gathered from them. */
import type { Hop, Id, Login } from '../core/types.ts';
import { MOST_IDS, type TreeParts } from '../peers/protocol.ts';
import type { Peering } from './peering.ts';

type Joint = Pick<Login, 'link'> & { readonly hops: readonly Pick<Hop, 'id' | 'childHost'>[] };

export interface Growing {
  /** Logins from which the way up goes on: to what they came by. */
  readonly up: readonly Joint[];
  /** Logins from which the way down goes on: to what came by them. */
  readonly down: readonly Joint[];
}

/** Hosts on one way: a fleet has no tree as deep. */
const MOST_HOSTS = 16;

interface Wanted {
  readonly up: Set<Id>;
  readonly down: Set<Id>;
}

export class PeerTrees {
  readonly #peering: Pick<Peering, 'ask'>;

  constructor(peering: Pick<Peering, 'ask'>) {
    this.#peering = peering;
  }

  /**
   * @param asked hosts on the way here
   * @returns what each host that was asked has, and who could not be asked
   */
  async beyond({ up, down }: Growing, asked: readonly string[]): Promise<TreeParts> {
    const hosts = new Map<string, Wanted>();
    const of = (host: string): Wanted => {
      const wanted = hosts.get(host) ?? { up: new Set(), down: new Set() };
      hosts.set(host, wanted);
      return wanted;
    };
    for (const { link } of up) if (link?.evidence != null) of(link.host).up.add(link.hop);
    for (const { hops } of down)
      for (const { id, childHost } of hops) if (childHost !== null) of(childHost).down.add(id);
    const all = await Promise.all([...hosts].map(([host, wanted]) => this.#ask(host, wanted, asked)));
    return { parts: all.flatMap(({ parts }) => parts), absent: all.flatMap(({ absent }) => absent) };
  }

  async #ask(host: string, { up, down }: Wanted, asked: readonly string[]): Promise<TreeParts> {
    const absent = (reason: string): TreeParts => ({ parts: [], absent: [{ host, reason }] });
    if (asked.length >= MOST_HOSTS) return absent('the way to it is too long');
    const few = (ids: ReadonlySet<Id>) => [...ids].slice(-MOST_IDS);
    try {
      return await this.#peering.ask(host, 'tree', { up: few(up), down: few(down), asked });
    } catch (error) {
      return absent((error as Error).message.slice(0, 512));
    }
  }
}
