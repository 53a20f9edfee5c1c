/**
 * A command as a POSIX shell would split it (XCU section 2). The shell that runs it is the other host's: what it would
 * expand, substitute or run beside it cannot be known here, and is said to be unknown.
 */
export interface CommandLine {
  /** Of the first simple command, quotes removed. */
  readonly words: readonly string[];
  /** False where the words are not all that is run, or not what it is run with. */
  readonly known: boolean;
}

/** A record and a policy have no use for more. */
const MOST_WORDS = 4096;
/** Ends a command, runs another, or has input or output from elsewhere. */
const OPERATORS = new Set(['|', '&', ';', '<', '>', '(', ')', '\n']);
/** Unquoted: expanded by the shell. `~` and `#` only where a word begins. */
const EXPANDED = new Set(['$', '`', '*', '?', '[', '{', '}', '!']);
/** What the first word can be that is no program: the rest is a program of its own, in a language. */
const RESERVED = new Set(['if', 'for', 'while', 'until', 'case', 'time', 'function', 'select', 'coproc']);

export function splitCommand(command: string): CommandLine {
  const words: string[] = [];
  let known = true;
  let word: string | null = null;
  for (let at = 0; at < command.length; at += 1) {
    const char = command.charAt(at);
    if (char === ' ' || char === '\t') {
      if (word !== null) words.push(word);
      word = null;
    } else if (OPERATORS.has(char)) {
      // Nothing but blanks behind a newline is no other command.
      known &&= char === '\n' && command.slice(at).trim() === '';
      break;
    } else if (word === null && char === '#') break;
    else if (char === "'") {
      const end = command.indexOf("'", at + 1);
      known &&= end >= 0;
      const text = command.slice(at + 1, end < 0 ? undefined : end);
      word = (word ?? '') + text;
      at = end < 0 ? command.length : end;
    } else if (char === '"') {
      const quoted = doubleQuoted(command, at + 1);
      known &&= quoted.known;
      word = (word ?? '') + quoted.text;
      at = quoted.end;
    } else if (char === '\\') {
      at += 1;
      known &&= at < command.length;
      // A backslash at the end of a line joins it with the next.
      if (command.charAt(at) !== '\n') word = (word ?? '') + command.charAt(at);
    } else {
      known &&= !EXPANDED.has(char) && !(word === null && char === '~');
      word = (word ?? '') + char;
    }
    if (words.length >= MOST_WORDS) return { words, known: false };
  }
  if (word !== null) words.push(word);
  const [first = ''] = words;
  // An assignment before the command, a reserved word, what runs its arguments as another command line.
  known &&= !/^\w+\+?=/.test(first) && !RESERVED.has(first) && !EVALUATORS.has(programOf(first));
  return { words, known };
}

/** Builtins that take their arguments for commands. */
const EVALUATORS = new Set(['eval', '.', 'source', 'trap', 'alias']);

/** The name of a program without its directories. */
export function programOf(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1);
}

function doubleQuoted(command: string, start: number): { text: string; end: number; known: boolean } {
  let text = '';
  let known = true;
  for (let at = start; at < command.length; at += 1) {
    const char = command.charAt(at);
    if (char === '"') return { text, end: at, known };
    if (char === '$' || char === '`') known = false;
    if (char === '\\') {
      const next = command.charAt(at + 1);
      at += 1;
      if (next === '\n') continue;
      text += '$`"\\'.includes(next) && next !== '' ? next : `\\${next}`;
    } else text += char;
  }
  return { text, end: command.length, known: false };
}
