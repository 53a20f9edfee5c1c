/** What a policy's outcome can depend on, from its syntax tree alone. */
import type { PolicyJson } from './engine.ts';

export interface Reads {
  readonly principal: boolean;
  /** In conditions: the scope is not counted, since policies are selected by it beforehand. */
  readonly resource: boolean;
  /** Attributes of the context; `all` where it is used as a whole. */
  readonly context: ReadonlySet<string> | 'all';
}

export function readsOf(policy: PolicyJson): Reads {
  const found = {
    principal: principalMatters(policy),
    resource: false,
    context: new Set<string>(),
    whole: false,
  };
  for (const { body } of policy.conditions) walk(body, found);
  return {
    principal: found.principal,
    resource: found.resource,
    context: found.whole ? 'all' : found.context,
  };
}

export function union(all: Iterable<Reads>): Reads {
  let principal = false;
  let resource = false;
  let whole = false;
  const context = new Set<string>();
  for (const reads of all) {
    principal ||= reads.principal;
    resource ||= reads.resource;
    if (reads.context === 'all') whole = true;
    else for (const attribute of reads.context) context.add(attribute);
  }
  return { principal, resource, context: whole ? 'all' : context };
}

/** Depends on neither who it is nor how they came: one answer for everybody. */
export function isStatic(reads: Reads): boolean {
  return !reads.principal && reads.context !== 'all' && reads.context.size === 0;
}

/** Every principal is a User, so `principal is User` says nothing. */
function principalMatters({ principal }: PolicyJson): boolean {
  if (principal.op === 'All') return false;
  return !(principal.op === 'is' && principal.entity_type === 'User' && principal.in === undefined);
}

interface Found {
  principal: boolean;
  resource: boolean;
  context: Set<string>;
  whole: boolean;
}

/** Anything that this does not know is walked into: an operator of a later Cedar hides nothing. */
function walk(node: unknown, found: Found): void {
  if (typeof node !== 'object' || node === null) return;
  if (Array.isArray(node)) {
    for (const item of node) walk(item, found);
    return;
  }
  for (const [operator, operand] of Object.entries(node)) {
    if (operator === 'Value') continue;
    if (operator === 'Var') {
      if (operand === 'principal') found.principal = true;
      if (operand === 'resource') found.resource = true;
      if (operand === 'context') found.whole = true;
    } else if (operator === 'Record' && typeof operand === 'object' && operand !== null) {
      // Its keys are the policy's own words, not operators.
      for (const value of Object.values(operand)) walk(value, found);
    } else if (!attributeOfContext(operator, operand, found)) walk(operand, found);
  }
}

function attributeOfContext(operator: string, operand: unknown, found: Found): boolean {
  if (operator !== '.' && operator !== 'has') return false;
  const { left, attr } = operand as { left?: { Var?: unknown }; attr?: unknown };
  const name = Array.isArray(attr) ? attr[0] : attr;
  if (left?.Var !== 'context' || typeof name !== 'string') return false;
  found.context.add(name);
  return true;
}
