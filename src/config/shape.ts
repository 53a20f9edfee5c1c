/** Holds a YAML file's data against a zod shape; what does not fit becomes problems with their places. */
import type { z } from 'zod';
import { type Detail, type Problem, problem, show } from './problem.ts';
import { didYouMean } from './similar.ts';
import type { IssueParams } from './values.ts';
import type { YamlFile } from './yaml.ts';

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/**
 * @param at where in the file the value stands
 * @returns the parsed value, or null with at least one problem added
 */
export function fit<T>(
  shape: z.ZodType<T>,
  value: unknown,
  yaml: YamlFile,
  at: Path,
  problems: Problem[],
): T | null {
  const result = shape.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  for (const issue of result.error.issues) report(issue, at, yaml, problems);
  return null;
}

/** As {@link fit}, for a key: the problem stands where the key does. */
export function fitKey<T>(
  shape: z.ZodType<T>,
  key: string,
  yaml: YamlFile,
  at: Path,
  problems: Problem[],
): T | null {
  const result = shape.safeParse(key, { reportInput: true });
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    problems.push(problem(yaml.file, yaml.keyAt(at), dotted(at), describe(issue)));
  }
  return null;
}

export function dotted(path: Path): string {
  return path.map(String).join('.');
}

function report(issue: Issue, at: Path, yaml: YamlFile, problems: Problem[]): void {
  const path = [...at, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ');
    for (const key of issue.keys) {
      const hint = didYouMean(key, known) ?? 'remove it';
      const detail = { message: 'unknown key', expected: `one of ${known.join(', ')}`, hint };
      problems.push(problem(yaml.file, yaml.keyAt([...path, key]), dotted([...path, key]), detail));
    }
    return;
  }
  if (issue.code === 'invalid_union') {
    const nearest = issue.errors.find((errors) =>
      errors.some((error) => error.code !== 'invalid_type' && error.code !== 'invalid_value'),
    );
    const deeper = nearest ?? issue.errors.find((errors) => errors.some((error) => error.path.length > 0));
    if (deeper !== undefined) {
      for (const inner of deeper)
        report({ ...inner, path: [...issue.path, ...inner.path] }, at, yaml, problems);
      return;
    }
  }
  problems.push(problem(yaml.file, yaml.at(path), dotted(path), describe(issue)));
}

function describe(issue: Issue): Detail {
  const got = show(issue.input);
  switch (issue.code) {
    case 'custom': {
      const { expected = null, hint = null } = (issue.params ?? {}) as IssueParams;
      return { message: issue.message, got, expected, hint };
    }
    case 'invalid_type': {
      if (issue.input === undefined)
        return { message: 'is missing', expected: article(issue.expected), hint: 'add it' };
      return { message: 'is of the wrong type', got, expected: article(issue.expected), hint: retype(issue) };
    }
    case 'invalid_value': {
      const values = issue.values.map(String);
      const message = 'is not a value that is known here';
      const hint = typeof issue.input === 'string' ? didYouMean(issue.input, values) : null;
      return {
        message,
        got,
        expected: values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`,
        hint,
      };
    }
    case 'invalid_union': {
      return { message: 'is not a value that is known here', got, expected: unionOf(issue.errors) };
    }
    case 'too_small':
    case 'too_big': {
      if (issue.origin === 'array')
        return {
          message: 'is empty',
          expected: 'at least one entry',
          hint: 'add one, or remove the whole entry',
        };
      const bound = issue.code === 'too_small' ? `${issue.minimum} or more` : `${issue.maximum} or less`;
      return { message: 'is out of range', got, expected: bound };
    }
    default:
      return { message: issue.message, got };
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys to values',
  record: 'a mapping of names to values',
};

function article(type: string): string {
  return TYPES[type] ?? type;
}

function retype(issue: { expected: string; input?: unknown }): string | null {
  const { expected, input } = issue;
  if (expected === 'string' && typeof input !== 'object') return `put it in quotes: "${String(input)}"`;
  if ((expected === 'number' || expected === 'int') && typeof input === 'string' && /^\d+$/.test(input)) {
    return `remove the quotes: ${input}`;
  }
  if (expected === 'array' && typeof input !== 'object') return `write it as a list: [${String(input)}]`;
  return null;
}

function unionOf(errors: readonly (readonly Issue[])[]): string {
  const parts = errors.flatMap(([first]) => {
    if (first === undefined) return [];
    const { expected } = describe(first);
    return expected == null ? [] : [expected];
  });
  return [...new Set(parts)].join(' or ');
}
