/** A worker's own copy of the policies: it reaches it as data, and is compiled when the first action asks. */
import type { Target } from '../core/target.ts';
import type { Decision } from '../core/types.ts';
import { denied } from './decide.ts';
import type { ConnectQuery, Context } from './request.ts';
import type { Revealer } from './reveal.ts';
import type { Within } from './schema.ts';
import { compilePolicies, type PolicyInput, type PolicySnapshot } from './snapshot.ts';

/** As JSON: what `ActionPolicies.replace` takes. */
export function policyData({ files, mode, targets, identities, loopback }: PolicyInput): string {
  return JSON.stringify({ files, mode, targets, identities, loopback });
}

export class ActionPolicies {
  #data: string | null = null;
  #snapshot: PolicySnapshot | null = null;
  #targets: ReadonlyMap<string, Target> = new Map();

  /** @param data of `policyData`; those before it are no longer in force */
  replace(data: string): void {
    if (data === this.#data) return;
    this.#data = data;
    this.#snapshot?.[Symbol.dispose]();
    this.#snapshot = null;
  }

  /** Never throws: what can't be decided is denied. */
  decide(action: Within, query: ConnectQuery, facts: Context): Decision {
    try {
      this.#snapshot ??= this.#compile();
      return this.#snapshot.decideWithin(action, query, facts);
    } catch (error) {
      return this.#none(error instanceof Error ? error.message : String(error));
    }
  }

  /** How columns of a target are shown; null where no policy can mask any. @throws Error where there are no policies */
  revealer(query: ConnectQuery): Revealer | null {
    this.#snapshot ??= this.#compile();
    return this.#snapshot.revealer(query);
  }

  target(name: string): Target | null {
    return this.#targets.get(name) ?? null;
  }

  #compile(): PolicySnapshot {
    if (this.#data === null) throw new Error('no policies have reached this worker');
    const input = JSON.parse(this.#data) as PolicyInput;
    this.#targets = new Map(input.targets.map((target) => [target.name, target]));
    return compilePolicies(input);
  }

  #none(reason: string): Decision {
    return denied([reason], `this cannot be decided: ${reason}`, { mode: 'enforce', version: '' });
  }
}
