import type { Id, Micros, NameAnswer } from '../core/types.ts';

const PER_ROOT = 2000;
/** Programs keep addresses longer than the answer's TTL says; a name is still what they asked for. */
const KEEP_AT_LEAST = 600;

/** The names in the DNS answers that each login got: what its connections to those addresses mean. */
export class Names {
  readonly #byRoot = new Map<Id, Map<string, { name: string; until: Micros }>>();

  learn(root: Id, answers: readonly NameAnswer[], now: Micros): void {
    const names = this.#byRoot.get(root) ?? new Map<string, { name: string; until: Micros }>();
    this.#byRoot.set(root, names);
    for (const { address, name, ttl } of answers) {
      names.delete(address);
      names.set(address, { name, until: now + Math.max(ttl, KEEP_AT_LEAST) * 1_000_000 });
      if (names.size > PER_ROOT) names.delete(names.keys().next().value as string);
    }
  }

  nameOf(root: Id, address: string, now: Micros): string | null {
    const found = this.#byRoot.get(root)?.get(address);
    return found && found.until > now ? found.name : null;
  }

  forget(root: Id): void {
    this.#byRoot.delete(root);
  }
}
