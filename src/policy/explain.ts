/** For a person who asks why: the decision, what determined it, and what each other policy was missing. */
import type { Decision } from '../core/types.ts';
import type { ApprovalTerms, CompiledPolicy } from './compiled.ts';
import { EngineError, type PolicyJson, policyText } from './engine.ts';
import { readsOf } from './reads.ts';
import { type ConnectQuery, type ConnectRequest, QueryError } from './request.ts';
import { actionMatches, type Placed, plain, scopeMatches, uidText } from './scope.ts';
import type { PolicySnapshot } from './snapshot.ts';
import { RuleSet } from './verdict.ts';

export interface Explanation {
  readonly decision: Decision;
  /** As policies name them, with their groups and tags; empty where the query could not be read. */
  readonly principal: string;
  readonly resource: string;
  readonly determining: readonly ExplainedPolicy[];
  readonly others: readonly (ExplainedPolicy & { readonly why: string })[];
}

export interface ExplainedPolicy {
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  readonly file: string;
  /** 0 where it is Hopline's own. */
  readonly line: number;
  readonly text: string;
  readonly message: string | null;
  readonly approval: ApprovalTerms | null;
}

export function explainConnect(snapshot: PolicySnapshot, query: ConnectQuery): Explanation {
  const decision = snapshot.decideConnect(query);
  let request: ConnectRequest;
  try {
    request = snapshot.requestFor(query);
  } catch (error) {
    if (!(error instanceof QueryError)) throw error;
    return { decision, principal: '', resource: '', determining: [], others: [] };
  }
  const asked = snapshot.rulesFor(request.resource).policies;
  const all = [...snapshot.policies, ...asked.filter((policy) => !snapshot.policies.includes(policy))];
  const determines = ({ id }: CompiledPolicy) => decision.policies.includes(id);
  return {
    decision,
    principal: placedText(request.principal),
    resource: placedText(request.resource),
    determining: all.filter(determines).map(explained),
    others: all
      .filter((policy) => !determines(policy))
      .map((policy) => ({ ...explained(policy), why: whyNot(policy, request, asked.includes(policy)) })),
  };
}

function whyNot({ json, effect }: CompiledPolicy, request: ConnectRequest, asked: boolean): string {
  const { principal, resource } = request;
  if (!actionMatches(json, 'connect')) return `is about ${actionText(json)}, not connect`;
  if (!scopeMatches(json.resource, resource)) {
    return `is about ${scopeText(json.resource, 'any resource')}; this is ${placedText(resource)}`;
  }
  if (!asked) return 'is not asked: hopline.yaml lets loopback pass unless a policy forbids it';
  if (!scopeMatches(json.principal, principal)) {
    return `is about ${scopeText(json.principal, 'any principal')}; this is ${placedText(principal)}`;
  }
  const missing = falseCondition(json, request);
  if (missing !== null) return missing;
  return effect === 'permit'
    ? 'applies, but a forbid or an error wins'
    : 'applies, but something else decided first';
}

/** The first part of its conditions that is not true here; null where they all are. */
function falseCondition(json: PolicyJson, request: ConnectRequest): string | null {
  for (const { kind, body } of json.conditions) {
    const parts = kind === 'when' ? conjuncts(body) : [body];
    for (const part of parts) {
      const answer = ask(part, request);
      if (answer === (kind === 'when')) continue;
      const text = `${kind} ${conditionText(part)}`;
      if (typeof answer === 'string') return `cannot be evaluated: ${text}: ${answer}`;
      return `${text} is ${kind === 'when' ? 'false' : 'true'}${factsText(part, request)}`;
    }
  }
  return null;
}

type Body = PolicyJson['conditions'][number]['body'];

function conjuncts(body: Body): readonly Body[] {
  if (!('&&' in body)) return [body];
  const { left, right } = body['&&'] as { left: Body; right: Body };
  return [...conjuncts(left), ...conjuncts(right)];
}

/** What one condition evaluates to, or why it does not. */
function ask(body: Body, request: ConnectRequest): boolean | string {
  const json = alone(body);
  const place = { file: '', line: 0, column: 0 };
  const annotations = { approval: null, message: null, mask: null, record: null };
  let rules: RuleSet | null = null;
  try {
    const text = policyText(json);
    rules = new RuleSet(
      [{ id: 'condition', ...place, effect: 'permit', text, json, ...annotations, reads: readsOf(json) }],
      'connect',
    );
    const { outcome, errors } = rules.evaluate(request);
    return errors.length > 0 ? errors.join('; ').replaceAll('condition: ', '') : outcome === 'allow';
  } catch (error) {
    if (error instanceof EngineError) return error.message;
    throw error;
  } finally {
    rules?.release();
  }
}

function alone(body: Body): PolicyJson {
  const any = { op: 'All' } as const;
  return {
    effect: 'permit',
    principal: any,
    action: any,
    resource: any,
    conditions: [{ kind: 'when', body }],
  };
}

function conditionText(body: Body): string {
  return policyText(alone(body))
    .replace(/^.*?\bwhen\s*/s, '')
    .replace(/;\s*$/, '')
    .replace(/\s+/g, ' ');
}

/** The facts that a condition reads: ` (context.depth is 5)`. */
function factsText(body: Body, { principal, context }: ConnectRequest): string {
  const reads = readsOf(alone(body));
  const facts = reads.principal ? [`principal is ${placedText(principal)}`] : [];
  for (const name of reads.context === 'all' ? [] : reads.context) {
    const value = context[name];
    facts.push(
      value === undefined ? `context has no ${name}` : `context.${name} is ${JSON.stringify(value)}`,
    );
  }
  return facts.length === 0 ? '' : ` (${facts.join(', ')})`;
}

function actionText({ action }: PolicyJson): string {
  if (action.op === 'All' || 'slot' in action) return 'any action';
  const named = 'entities' in action ? action.entities : [action.entity];
  return named.map((uid) => plain(uid).id).join(', ');
}

function scopeText(scope: PolicyJson['principal'] | PolicyJson['resource'], any: string): string {
  if (scope.op === 'All' || 'slot' in scope) return any;
  if (scope.op === '==') return uidText(plain(scope.entity));
  if (scope.op === 'in') return `what is in ${uidText(plain(scope.entity))}`;
  const inside = scope.in === undefined || 'slot' in scope.in ? '' : ` in ${uidText(plain(scope.in.entity))}`;
  return `any ${scope.entity_type}${inside}`;
}

function placedText(entity: Placed): string {
  const parents = entity.parents.map(uidText).join(', ');
  return `${uidText(entity)}${parents === '' ? ', in nothing' : ` in ${parents}`}`;
}

function explained({ id, effect, file, line, text, message, approval }: CompiledPolicy): ExplainedPolicy {
  return { id, effect, file, line, text, message, approval };
}
