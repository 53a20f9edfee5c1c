/** Which columns of a target a person may see as they are. */
import type { Mode } from '../config/types.ts';
import type { CompiledPolicy } from './compiled.ts';
import { type ConnectQuery, type ConnectRequest, type Context, QueryError } from './request.ts';
import type { Placed } from './scope.ts';
import type { RuleSet } from './verdict.ts';

export interface Revealer {
  /** Two of the same text reveal the same. */
  readonly subject: string;
  /** `mode: observe`: what would be masked is told, and shown. */
  readonly observed: boolean;
  /**
   * @param facts of the column: what the schema has of `reveal` beside the connection's own
   * @returns the name of a mask form; null: the column is shown
   */
  mask(facts: Context): string | null;
}

interface Terms {
  readonly mode: Mode;
  readonly version: string;
  requestFor(query: ConnectQuery): ConnectRequest;
}

const FULL = 'full';

/** Null where no policy can mask anything. */
export function revealer(
  query: ConnectQuery,
  terms: Terms,
  rulesFor: (resource: Placed) => RuleSet,
): Revealer | null {
  const observed = terms.mode === 'observe';
  let request: ConnectRequest;
  try {
    request = terms.requestFor(query);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return { subject: terms.version, observed, mask: () => FULL };
  }
  const rules = rulesFor(request.resource);
  if (rules.policies.every(({ effect }) => effect === 'permit')) return null;
  const { principal, resource, context } = request;
  const said = new Map<string, string | null>();
  const { reads } = rules;
  const matters = (key: string): boolean => reads.context === 'all' || reads.context.has(key);
  const mine = Object.entries(context).filter(([key]) => matters(key));
  return {
    subject: JSON.stringify([terms.version, rules.id, principal, resource.id, mine]),
    observed,
    mask(facts) {
      const key = JSON.stringify(Object.entries(facts).filter(([name]) => matters(name)));
      const before = said.get(key);
      if (before !== undefined) return before;
      const mask = maskBy(rules, { ...request, context: { ...facts, ...context } });
      said.set(key, mask);
      return mask;
    },
  };
}

/** An approval, which nobody can give for a column in a row, does not lift it. */
function maskBy(rules: RuleSet, request: ConnectRequest): string | null {
  const { outcome, determining, errors } = rules.evaluate(request);
  if (outcome === 'allow') return null;
  if (errors.length > 0) return FULL;
  return strictest(determining);
}

/** Where forbids name several forms, nothing is left to see. */
function strictest(forbids: readonly CompiledPolicy[]): string {
  const forms = new Set(forbids.map(({ mask }) => mask ?? FULL));
  const [only] = forms;
  return forms.size === 1 && only !== undefined ? only : FULL;
}
