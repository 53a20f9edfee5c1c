/** A worker's side of minting: contexts for the names that its clients ask for, kept until their certificates are due. */
import type { SecureContext } from 'node:tls';
import type { Micros } from '../core/types.ts';
import { serverContext } from './contexts.ts';
import type { Minted, MintRequest } from './minted.ts';
import type { ContextFor } from './upgrade.ts';

export interface MintedContextsOptions {
  /** Asks whoever holds the authority. */
  ask(request: MintRequest): Promise<Minted>;
  /** Contexts kept; the least recently used goes first. */
  readonly limit?: number;
  readonly now?: () => Micros;
}

interface Kept {
  readonly context: SecureContext;
  readonly renewAt: Micros;
}

/** A DNS name with the root's dot. What is longer is refused by whoever mints, and is no key here. */
const LONGEST = 254;

export class MintedContexts {
  readonly #ask: MintedContextsOptions['ask'];
  readonly #limit: number;
  readonly #now: () => Micros;
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<Kept>>();

  constructor({ ask, limit = 200, now = () => Date.now() * 1000 }: MintedContextsOptions) {
    this.#ask = ask;
    this.#limit = limit;
    this.#now = now;
  }

  /** Contexts held now. */
  get held(): number {
    return this.#kept.size;
  }

  /**
   * For `acceptTls`.
   * @param address of the destination: what a client that says no name has asked for
   */
  for(address: string): ContextFor {
    return (serverName) => this.#context(serverName ?? address);
  }

  /** @throws whatever `ask` throws */
  async #context(asked: string): Promise<SecureContext> {
    const name = asked.slice(0, LONGEST + 1).toLowerCase();
    const kept = this.#kept.get(name);
    this.#kept.delete(name);
    if (kept !== undefined && this.#now() < kept.renewAt) {
      this.#kept.set(name, kept);
      return kept.context;
    }
    let asking = this.#asking.get(name);
    if (asking === undefined) {
      asking = this.#make(name).finally(() => this.#asking.delete(name));
      this.#asking.set(name, asking);
    }
    return (await asking).context;
  }

  async #make(name: string): Promise<Kept> {
    const minted = await this.#ask({ names: [name] });
    const kept = { context: serverContext(minted), renewAt: minted.renewAt };
    this.#kept.set(name, kept);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#limit) break;
      this.#kept.delete(oldest);
    }
    return kept;
  }
}
