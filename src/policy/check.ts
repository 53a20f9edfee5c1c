/** Everything that can be wrong with policies, before any is used. */
import { ConfigError, type Detail, type Problem, problem } from '../config/problem.ts';
import { didYouMean } from '../config/similar.ts';
import type { PolicyCheckInput, PolicyCheckResult } from '../config/types.ts';
import type { CompiledPolicy } from './compiled.ts';
import { type DetailedError, EngineError, validatePolicies } from './engine.ts';
import { cedarProblem, type ParsedFile, parsePolicies } from './parse.ts';
import {
  ACTIONS,
  ENTITY_TYPES,
  type EntityType,
  LOOPBACK,
  SCHEMA,
  UNATTENDED,
  UNATTRIBUTED,
  UNLISTED,
} from './schema.ts';
import { locate } from './split.ts';

export interface Checked extends PolicyCheckResult {
  readonly policies: readonly CompiledPolicy[];
}

/** Parses and validates policies; names that nothing defines are warnings. */
export function checkPolicies(input: PolicyCheckInput): Checked {
  const parsed = parsePolicies(input.files);
  const problems: Problem[] = [...parsed.problems];
  const warnings: Problem[] = [...parsed.warnings];
  validate(parsed.files, problems, warnings);
  findUnknown(parsed.files, input, problems, warnings);
  return {
    policies: parsed.files.flatMap(({ policies }) => policies.map(({ policy }) => policy)),
    problems,
    warnings,
  };
}

/** @throws ConfigError with every problem */
export function policiesOrThrow(input: PolicyCheckInput): Checked {
  const checked = checkPolicies(input);
  if (checked.problems.length > 0) throw new ConfigError(checked.problems);
  return checked;
}

function validate(files: readonly ParsedFile[], problems: Problem[], warnings: Problem[]): void {
  const all = files.flatMap(({ file, policies }) => policies.map((entry) => ({ file, ...entry })));
  const texts = Object.fromEntries(all.map(({ policy }) => [policy.id, policy.text]));
  const report = (id: string, error: DetailedError, into: Problem[]) => {
    const owner = all.find(({ policy }) => policy.id === id);
    if (owner !== undefined) into.push(cedarProblem(owner.file, owner.piece, error));
  };
  try {
    const answer = validatePolicies(SCHEMA, texts);
    if (answer.type === 'failure') {
      for (const error of answer.errors) problems.push(problem('', { line: 0, column: 0 }, '', error));
      return;
    }
    const wrong = new Set(answer.validationErrors.map(({ policyId }) => policyId));
    const said = new Set<string>();
    for (const { policyId, error } of answer.validationErrors) {
      // The validator says it again for each action that the policy is about.
      const message = error.message.replace(/ in context for Action::"\w+"/, ' in context');
      const key = JSON.stringify([policyId, message, error.sourceLocations]);
      if (!said.has(key))
        report(policyId, { ...error, message, help: helpFor(message, error.help) }, problems);
      said.add(key);
    }
    for (const { policyId, error } of answer.validationWarnings) {
      if (!wrong.has(policyId)) report(policyId, error, warnings);
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const [first] = all;
    const hint = 'look for a policy that is much larger than the others';
    problems.push(
      problem(first?.file.file ?? '', { line: 0, column: 0 }, '', { message: error.message, hint }),
    );
  }
}

/** Cedar proposes whatever is least far away, however far that is. */
function helpFor(message: string, help: string | null): string | null {
  const [, action] = /^.*unrecognized action `Action::"(.*)"`/.exec(message) ?? [];
  return action === undefined
    ? help
    : (didYouMean(action, ACTIONS) ?? `the actions are ${ACTIONS.join(', ')}`);
}

const ENTITY = new RegExp(`\\b(${ENTITY_TYPES.join('|')})\\s*::\\s*"((?:[^"\\\\]|\\\\.)*)"`, 'g');
const DEFINED_IN: Readonly<Record<EntityType, string>> = {
  User: 'identities.yaml',
  Group: 'identities.yaml',
  Target: 'targets.yaml',
  Tag: 'targets.yaml',
};

/**
 * Users and groups may come from elsewhere, so an unknown one is a warning. Targets and tags are only what
 * targets.yaml says: a forbid that misspells one would leave open what it was to close.
 */
function findUnknown(
  files: readonly ParsedFile[],
  input: PolicyCheckInput,
  problems: Problem[],
  warnings: Problem[],
): void {
  const { targets, identities } = input;
  const known: Readonly<Record<EntityType, ReadonlySet<string>>> = {
    User: new Set([...identities.map(({ name }) => name), UNATTRIBUTED]),
    Group: new Set([...identities.flatMap(({ groups }) => groups), UNATTENDED]),
    Target: new Set([...targets.map(({ name }) => name), UNLISTED, LOOPBACK]),
    Tag: new Set([...targets.flatMap(({ tags }) => tags), UNLISTED, LOOPBACK]),
  };
  for (const { file, policies } of files) {
    for (const { policy, piece } of policies) {
      const warn = (type: EntityType, name: string, index: number, path: string) => {
        if (known[type].has(name) || (type === 'User' && /^(account|unattended):/.test(name))) return;
        const detail: Detail = {
          message: `no ${type.toLowerCase()} of this name is in ${DEFINED_IN[type]}`,
          got: `${type}::${JSON.stringify(name)}`,
          hint: didYouMean(name, known[type]),
        };
        const wrong = policy.effect === 'forbid' && (type === 'Target' || type === 'Tag');
        (wrong ? problems : warnings).push(
          problem(file.file, locate(file.text, piece.start + index), path, detail),
        );
      };
      for (const match of piece.code.matchAll(ENTITY)) {
        const [, type, name = ''] = match;
        if (!name.includes('\\')) warn(type as EntityType, name, match.index, '');
      }
      const group = policy.approval?.group ?? null;
      if (group !== null) {
        warn('Group', group, Math.max(0, piece.code.search(/@approval\b/)), '@approval');
      }
    }
  }
}
