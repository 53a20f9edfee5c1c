/** A YAML file as plain data, with the line and column of each key and value. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { type Detail, type Location, type Problem, problem } from './problem.ts';

type Path = readonly PropertyKey[];

/** After so many syntax errors the rest only repeat the first. */
const SYNTAX_LIMIT = 20;
const MOST_ALIASES = 100;

export class YamlFile {
  readonly file: string;
  /** Undefined where there were problems; null for an empty file. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  readonly #lines = new LineCounter();
  #document: Document.Parsed | null = null;

  constructor(file: string, text: string) {
    this.file = file;
    const problems: Problem[] = [];
    this.problems = problems;
    try {
      this.value = this.#read(text, problems);
    } catch (error) {
      // Nesting that exhausts the stack, and aliases that multiply, end as exceptions in the library.
      const deep = error instanceof RangeError;
      const hint = deep
        ? 'configuration needs a few levels only'
        : 'write the values out in place of aliases';
      const message = deep ? 'is nested too deeply' : `is no usable YAML: ${(error as Error).message}`;
      problems.push(problem(file, { line: 1, column: 1 }, '', { message, hint }));
    }
  }

  /** Where the value at a path is; where there is none, the key of what it is missing from. */
  at(path: Path): Location {
    return this.#locate(path).value;
  }

  /** Where the key at a path is. */
  keyAt(path: Path): Location {
    return this.#locate(path).key;
  }

  #read(text: string, problems: Problem[]): unknown {
    const document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      stringKeys: true,
      // 'silent' would also pass over a second document.
      logLevel: 'error',
    });
    this.#document = document;
    for (const issue of [...document.errors, ...document.warnings].slice(0, SYNTAX_LIMIT)) {
      problems.push(problem(this.file, this.#position(issue.pos[0]), '', explain(issue.code, issue.message)));
    }
    if (problems.length > 0) return undefined;
    if (document.directives.yaml.version !== '1.2') {
      const detail = {
        message: 'YAML before 1.2 reads yes, no and 010 otherwise',
        hint: 'remove the %YAML line',
      };
      problems.push(problem(this.file, { line: 1, column: 1 }, '', detail));
      return undefined;
    }
    this.#lint(document.contents, document, problems);
    return problems.length > 0 ? undefined : document.toJS({ maxAliasCount: MOST_ALIASES });
  }

  #lint(node: unknown, document: Document, problems: Problem[]): void {
    const refuse = (culprit: unknown, detail: Detail) =>
      problems.push(problem(this.file, this.#position(offsetOf(culprit) ?? 0), '', detail));
    if (isAlias(node) && node.resolve(document) === undefined) {
      refuse(node, {
        message: `there is no anchor &${node.source} before this alias`,
        hint: 'write the value out',
      });
    }
    if (isSeq(node)) for (const item of node.items) this.#lint(item, document, problems);
    if (!isMap(node)) return;
    for (const { key, value } of node.items) {
      if (isScalar(key) && key.value === '__proto__') {
        refuse(key, { message: 'no key may be called __proto__', hint: 'rename it' });
      }
      this.#lint(value, document, problems);
    }
  }

  #locate(path: Path): { key: Location; value: Location } {
    let node: unknown = this.#document?.contents;
    let key = offsetOf(node) ?? 0;
    let value = key;
    for (const step of path) {
      if (isAlias(node) && this.#document !== null) node = node.resolve(this.#document);
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
        value = key;
        if (pair === undefined) break;
        node = pair.value;
        key = offsetOf(pair.key) ?? key;
        value = valueOffset(node) ?? key;
      } else if (isSeq(node)) {
        node = node.items[Number(step)];
        key = offsetOf(node) ?? key;
        value = key;
      } else break;
    }
    return { key: this.#position(key), value: this.#position(value) };
  }

  #position(offset: number): Location {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

function offsetOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0];
}

/** An empty value has a place after its key, which shows a person nothing. */
function valueOffset(node: unknown): number | undefined {
  return isScalar(node) && node.value === null && node.source === '' ? undefined : offsetOf(node);
}

const HINTS: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'a key may stand once in a mapping: remove or rename one of them',
  TAB_AS_INDENT: 'indent with spaces',
  MULTIPLE_DOCS: 'keep one document in the file: remove the --- between them',
  NON_STRING_KEY: 'put the key in quotes',
  TAG_RESOLVE_FAILED: 'tags (!…) have no meaning here: remove it',
  BAD_INDENT: 'close the bracket, or line it up with its neighbours',
  MISSING_CHAR: 'look for a missing quote, bracket, comma or colon just before this place',
  BLOCK_AS_IMPLICIT_KEY: 'put the value in quotes, or start a new line after the first colon',
};

function explain(code: string, message: string): Detail {
  const said =
    code === 'DUPLICATE_KEY' ? 'the same key stands here twice' : message.replace(/\s+/g, ' ').trim();
  return {
    message: said,
    hint: HINTS[code] ?? 'look at the quotes, colons and indentation around this place',
  };
}
