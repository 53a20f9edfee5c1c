/** Which decisions about the actions of a hop are stored, and as which rows: most actions of a hop are decided alike. */
import type { Decision, Id } from '../core/types.ts';

/** Hops, and decisions of each, that are remembered; what is forgotten is stored once more. */
const HOPS = 4096;
const DECISIONS = 16;

export class Decided {
  readonly #hops = new Map<Id, Map<string, number>>();
  /** The texts of objects that come again. */
  readonly #texts = new WeakMap<Decision, string>();

  get(hop: Id, decision: Decision): number | undefined {
    return this.#hops.get(hop)?.get(this.#text(decision));
  }

  set(hop: Id, decision: Decision, row: number): void {
    let rows = this.#hops.get(hop);
    if (rows === undefined) {
      if (this.#hops.size >= HOPS) this.#hops.clear();
      rows = new Map();
      this.#hops.set(hop, rows);
    }
    if (rows.size >= DECISIONS) rows.clear();
    rows.set(this.#text(decision), row);
  }

  clear(): void {
    this.#hops.clear();
  }

  #text(decision: Decision): string {
    let text = this.#texts.get(decision);
    if (text === undefined) {
      const { outcome, policies, reason, observed, errors, version } = decision;
      text = JSON.stringify([outcome, policies, reason, observed, errors, version]);
      this.#texts.set(decision, text);
    }
    return text;
  }
}
