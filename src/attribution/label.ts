/** What a person would call a running program. Goes to chains, the log, a terminal: no argument may come with it. */

/** How an interpreter is told what to run. */
interface Interpreter {
  readonly name: RegExp;
  /** Options with which the program's text, a module's name or standard input stands in the place of a script. */
  readonly code: RegExp;
  /** Options whose value is the next word. */
  readonly takes: RegExp;
  /** Words before it that are neither. */
  readonly skips?: RegExp;
}

/**
 * Letters may stand together, and a value may be attached: `bash -xec CODE`, `perl -neCODE`. An option that is known
 * here by mistake costs the script's name; one that is missing shows a word of the code.
 */
const INTERPRETERS: readonly Interpreter[] = [
  {
    name: /^(?:ba|da|z|k)?sh$/,
    code: /^-[a-zA-Z]*[cs]|^--command\b/,
    takes: /^[-+][a-zA-Z]*[oO][a-zA-Z]*$|^--(?:rcfile|init-file)$/,
  },
  { name: /^fish$/, code: /^-[a-zA-Z]*[cC]|^--(?:init-)?command\b/, takes: /^-[dDfo]$/ },
  {
    name: /^python[\d.]*$/,
    code: /^-[bBdEhiIOPqsSuvVx?]*[cm]|^-$/,
    takes: /^-[bBdEhiIOPqsSuvVx?]*[WX]$|^--check-hash-based-pycs$/,
  },
  {
    name: /^node$/,
    code: /^-[a-z]*[ep]|^--(?:eval|print|run)(?:=|$)|^-$/,
    takes: /^-[rC]$|^--(?:require|import|loader|experimental-loader|conditions|env-file|title|inspect-port)$/,
  },
  { name: /^ruby[\d.]*$/, code: /^-\w*e|^-$/, takes: /^-[IrCEW]$/ },
  { name: /^perl[\d.]*$/, code: /^-\w*[eE]|^-$/, takes: /^-[IMm]$/ },
  {
    name: /^php[\d.]*$/,
    code: /^-[a-zA-Z]*[rBREF]|^--(?:run|process-\w+)\b|^-$/,
    takes: /^-[cdtzS]$|^--(?:php-ini|define|docroot|zend-extension|server)$/,
  },
  {
    name: /^env$/,
    code: /^-[a-zA-Z0-9]*S|^--split-string\b/,
    takes: /^-[a-zA-Z0-9]*[uC]$|^--(?:unset|chdir)$/,
    skips: /=|^--$/,
  },
  { name: /^java$/, code: /^$/, takes: /^-(?:cp|p|classpath)$|^--(?:class-path|module-path|add-modules)$/ },
];

/** A path as scripts have it; a space, a quote or an equals sign is rather a piece of code or an assignment. */
const PLAIN = /^[\p{L}\p{N}_@%+,:.~/^-]{1,255}$/u;
const LONGEST = 255;

/**
 * The file's base name, and for an interpreter the script that it runs.
 * @param name base name of the file that runs, as the kernel has it: argv[0] can lie
 * @param filename what execve was given: the script's path where a `#!` line chose the interpreter; '' is unknown
 * @param argv without its secrets
 */
export function labelOf(name: string, filename: string, argv: readonly string[]): string {
  const interpreter = INTERPRETERS.find((each) => each.name.test(name));
  const script = interpreter && scriptOf(interpreter, argv);
  if (!script || script.includes('://')) return name;
  const base = script.slice(script.lastIndexOf('/') + 1);
  const executed = filename !== '' && filename.slice(filename.lastIndexOf('/') + 1) === base;
  if (executed) return base.length > LONGEST ? name : `${name} ${base}`;
  const path = PLAIN.test(script) && (/\.\w{1,4}$/.test(base) || script.includes('/'));
  return path && base !== '' ? `${name} ${base}` : name;
}

function scriptOf({ code, takes, skips }: Interpreter, argv: readonly string[]): string | null {
  for (let at = 1; at < argv.length; at++) {
    const word = argv[at] ?? '';
    if (code.test(word)) return null;
    if (skips?.test(word)) continue;
    if (word === '--') return argv[at + 1] ?? null;
    if (takes.test(word)) at++;
    else if (!/^[-+]/.test(word)) return word;
  }
  return null;
}
