/** One evaluation: what the policies that apply say together. */
import type { Lifted, Outcome } from '../core/types.ts';
import type { CompiledPolicy } from './compiled.ts';
import { EngineError, messages, PreparedSet } from './engine.ts';
import { type Reads, union } from './reads.ts';
import { type ConnectRequest, cedarRequest } from './request.ts';
import { type Action, SCHEMA } from './schema.ts';

export interface Verdict {
  readonly outcome: Outcome;
  /** That determined the outcome: satisfied permits, or forbids, or what could not be evaluated. */
  readonly determining: readonly CompiledPolicy[];
  readonly errors: readonly string[];
}

let ruleSets = 0;

/** Policies that one kind of request is held against, parsed once. */
export class RuleSet {
  /** Unique in this process. */
  readonly id = ruleSets++;
  readonly policies: readonly CompiledPolicy[];
  readonly reads: Reads;
  readonly #action: Action;
  readonly #byId: ReadonlyMap<string, CompiledPolicy>;
  readonly #all: PreparedSet;
  /** Without those that an approval lifts; null where there are none. */
  readonly #approved: PreparedSet | null;

  constructor(policies: readonly CompiledPolicy[], action: Action) {
    this.policies = policies;
    this.#action = action;
    this.reads = union(policies.map(({ reads }) => reads));
    this.#byId = new Map(policies.map((policy) => [policy.id, policy]));
    this.#all = prepare(policies);
    const lasting = policies.filter(({ approval }) => approval === null);
    this.#approved = lasting.length === policies.length ? null : prepare(lasting);
  }

  /** Deny by default; forbid wins; any error denies. Never throws. */
  evaluate(request: ConnectRequest): Verdict {
    try {
      const verdict = this.#evaluate(this.#all, request);
      const { outcome, determining, errors } = verdict;
      const held = outcome === 'deny' && errors.length === 0 && determining.length > 0;
      if (!held || this.#approved === null || determining.some(({ approval }) => approval === null))
        return verdict;
      // To ask somebody is only right where their yes would let it pass.
      const context = { ...request.context, approved: true };
      const then = this.#evaluate(this.#approved, { ...request, context });
      const asking = determining.filter((policy) => !lifts(request.approved, policy));
      return then.outcome === 'allow' && asking.length > 0
        ? { outcome: 'approve', determining: asking, errors }
        : then;
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      return { outcome: 'deny', determining: [], errors: [error.message] };
    }
  }

  release(): void {
    this.#all.release();
    this.#approved?.release();
  }

  #evaluate(set: PreparedSet, request: ConnectRequest): Verdict {
    const answer = set.evaluate(cedarRequest(request, this.#action));
    if (answer.type === 'failure')
      return { outcome: 'deny', determining: [], errors: [messages(answer.errors)] };
    const { decision, diagnostics } = answer.response;
    if (diagnostics.errors.length > 0) {
      const forbidding = decision === 'deny' ? diagnostics.reason : [];
      const failed = diagnostics.errors.map(({ policyId }) => policyId);
      const errors = diagnostics.errors.map(({ policyId, error }) => `${policyId}: ${error.message}`);
      return { outcome: 'deny', determining: this.#named([...forbidding, ...failed]), errors: errors.sort() };
    }
    return { outcome: decision, determining: this.#named(diagnostics.reason), errors: [] };
  }

  #named(ids: readonly string[]): readonly CompiledPolicy[] {
    return [...new Set(ids)].sort().flatMap((id) => this.#byId.get(id) ?? []);
  }
}

function lifts(approved: readonly Lifted[], { id, approval }: CompiledPolicy): boolean {
  return approved.some(({ policy, group }) => policy === id && group === approval?.group);
}

function prepare(policies: readonly CompiledPolicy[]): PreparedSet {
  return new PreparedSet(SCHEMA, Object.fromEntries(policies.map(({ id, text }) => [id, text])));
}
