import { printable } from '../../core/text.ts';
import type { Context } from '../context.ts';
import { examine, type Result } from '../doctor.ts';
import { createSystem } from '../doctor-system.ts';
import { EXIT } from '../exit.ts';
import { textOption } from '../since.ts';

/** Exit code 1 when something that Hopline needs is missing; what is only worth knowing is no reason. */
export async function doctor(context: Context, options: Readonly<Record<string, unknown>>): Promise<number> {
  const config = textOption(options.config) ?? '/etc/hopline';
  const results = await examine(createSystem({ socket: context.socket, config }));
  if (context.json) context.printJson(results);
  else context.print(results.flatMap((result) => lines(result, context)));
  const failed = results.filter((result) => result.ok === 'no').length;
  if (failed > 0) context.note(`${failed} of ${results.length} checks failed`);
  return failed === 0 ? EXIT.ok : EXIT.no;
}

function lines({ name, ok, found, fix }: Result, { style }: Context): string[] {
  const { colors, glyphs } = style;
  const sign = { yes: colors.green(glyphs.yes), no: colors.red(glyphs.no), warn: colors.yellow('!') }[ok];
  const head = `${sign} ${colors.bold(name)}: ${printable(found)}`;
  return fix === undefined ? [head] : [head, ...fix.split('\n').map((line) => `    fix: ${printable(line)}`)];
}
