/** What is wrong with a configuration file: where, what was expected there, and the fix. */

export interface Location {
  /** 1-based; 0 where the problem is the file itself. */
  readonly line: number;
  /** 1-based, in UTF-16 code units, as editors count. */
  readonly column: number;
}

export interface Problem extends Location {
  readonly file: string;
  /** Dotted keys from the top of the file, such as `targets.orders-db.ports.0`; empty at the top. */
  readonly path: string;
  readonly message: string;
  readonly expected: string | null;
  readonly got: string | null;
  /** What to do about it. */
  readonly hint: string | null;
}

/** The parts of a problem that are not its place; what is left out is null. */
export interface Detail {
  readonly message: string;
  readonly expected?: string | null;
  readonly got?: string | null;
  readonly hint?: string | null;
}

export function problem(file: string, at: Location, path: string, detail: Detail): Problem {
  const { message, expected = null, got = null, hint = null } = detail;
  return { file, line: at.line, column: at.column, path, message, expected, got, hint };
}

/** The whole configuration is refused: every problem that was found, in the order of files and lines. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const sorted = sortProblems(problems);
    super(formatProblems(sorted));
    this.problems = sorted;
  }

  /** `file:line:column: what is wrong`, below it what was found, what was expected and the fix. */
  override toString(): string {
    return this.message;
  }
}

export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  const order = (a: Problem, b: Problem) =>
    a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1;
  return [...problems].sort(order);
}

export function formatProblems(problems: readonly Problem[]): string {
  return problems.map(formatProblem).join('\n');
}

export function formatProblem(item: Problem): string {
  const place = item.line > 0 ? `${item.file}:${item.line}:${item.column}` : item.file;
  const lines = [`${place}: ${item.path === '' ? '' : `${item.path}: `}${item.message}`];
  if (item.got !== null) lines.push(`    got: ${item.got}`);
  if (item.expected !== null) lines.push(`    expected: ${item.expected}`);
  if (item.hint !== null) lines.push(`    fix: ${item.hint}`);
  return lines.map(printable).join('\n');
}

/** A value in an error message: never long, never more than one line. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nothing (null)';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

// Threat: a file name or a value with escape sequences, printed on root's terminal.
function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
