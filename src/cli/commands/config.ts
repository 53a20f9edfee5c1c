import { resolve } from 'node:path';
import { type Checked, ControlError, type Problem } from '../../api/protocol.ts';
import { printable } from '../../core/text.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { count } from '../format.ts';
import type { Style } from '../style.ts';

const DEFAULT_DIR = '/etc/hopline';

/** `file:line:column: what`, and below it what was there, what was expected, and the fix. */
export function problemLines(problems: readonly Problem[], style: Style): string[] {
  const { colors } = style;
  return problems.flatMap(({ file, line, column, path, message, got, expected, hint }) => {
    const place = line > 0 ? `${file}:${line}:${column}` : file;
    const more = [
      ...(got === null ? [] : [`got: ${got}`]),
      ...(expected === null ? [] : [`expected: ${expected}`]),
      ...(hint === null ? [] : [`fix: ${hint}`]),
    ];
    const head = `${colors.bold(printable(place))}: ${printable(path === '' ? message : `${path}: ${message}`)}`;
    return [head, ...more.map((text) => `    ${printable(text)}`)];
  });
}

export async function configCheck(
  context: Context,
  _options: unknown,
  [dir]: readonly string[],
): Promise<number> {
  return report(context, await check(context, dir), () => true);
}

/** The same reading of everything, because policies name targets and groups; reports what is in policy files. */
export async function policyCheck(
  context: Context,
  _options: unknown,
  [dir]: readonly string[],
): Promise<number> {
  const checked = await check(context, dir);
  const inPolicies = (problem: Problem) => problem.file.endsWith('.cedar');
  // What else is wrong may be why a policy could not be judged: then all of it is told.
  return report(context, checked, checked.problems.some(inPolicies) ? inPolicies : () => true);
}

/** Asked of the daemon, which knows its own directory; read here where there is none to ask. */
async function check(context: Context, dir: string | undefined): Promise<Checked> {
  const path = dir === undefined ? undefined : resolve(dir);
  try {
    return await context.ask((client) => client.call('config.check', { dir: path }));
  } catch (error) {
    const away =
      error instanceof ControlError && ['unreachable', 'forbidden', 'unknown_method'].includes(error.code);
    if (!away) throw error;
    const here = path ?? DEFAULT_DIR;
    context.note(`hoplined does not answer: reading ${printable(here)} here`);
    return await context.wiring.checkConfig(here);
  }
}

function report(context: Context, checked: Checked, wanted: (problem: Problem) => boolean): number {
  const { style } = context;
  if (context.json) context.printJson(checked);
  else {
    const summary = `${count(checked.policies, 'policy', 'policies')}, ${count(checked.targets, 'target')}, ${count(checked.users, 'user')}`;
    const problems = checked.problems.filter(wanted);
    context.print([
      ...problemLines(checked.warnings.filter(wanted), style).map((line) => style.colors.yellow(line)),
      ...problemLines(problems, style),
      checked.ok
        ? style.colors.green(`in order: ${summary}`)
        : style.colors.red(count(problems.length, 'problem')),
    ]);
  }
  return checked.ok ? EXIT.ok : EXIT.no;
}
