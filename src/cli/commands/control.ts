import { printable } from '../../core/text.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { count } from '../format.ts';
import { textOption } from '../since.ts';
import { problemLines } from './config.ts';

/** Exit code 1 when something that was live goes on. */
export async function revoke(
  context: Context,
  options: Readonly<Record<string, unknown>>,
  [what = '']: readonly string[],
): Promise<number> {
  const params = { what, reason: textOption(options.reason) };
  const done = await context.ask((client) => client.call('revoke', params));
  if (context.json) context.printJson(done);
  else {
    const { colors } = context.style;
    const summary = `revoked ${done.type} ${printable(what)}: ${count(done.logins.length, 'login')}, ${count(done.hops.length, 'live hop')} closed`;
    context.print([
      summary,
      ...done.logins.map((id) => `  login ${id}`),
      ...done.hops.map((id) => `  hop ${id}`),
      ...done.silenced.map((id) => `  hop ${id}: UDP, of which the kernel lets nothing more out`),
      ...done.hosts.map(({ host, logins, hops, reason }) =>
        reason === null
          ? `  ${printable(host)}: ${count(logins.length, 'login')}, ${count(hops.length, 'live hop')} closed`
          : colors.yellow(`  ${printable(host)} was not told (${printable(reason)}); it is when it answers`),
      ),
      ...done.open.map(({ hop, reason }) => colors.red(`  hop ${hop} goes on: ${printable(reason)}`)),
    ]);
  }
  return done.open.length === 0 ? EXIT.ok : EXIT.no;
}

/** Exit code 1 when the new configuration was refused: the old one goes on. */
export async function reload(context: Context): Promise<number> {
  const done = await context.ask((client) => client.call('reload', {}));
  if (context.json) context.printJson(done);
  else if (done.ok)
    context.print([
      ...problemLines(done.warnings, context.style),
      `reloaded: version ${printable(done.version)}`,
      ...(done.restart.length > 0
        ? [context.style.colors.yellow(`needs a restart: ${done.restart.map(printable).join(', ')}`)]
        : []),
    ]);
  else
    context.print([
      ...problemLines(done.problems, context.style),
      `refused: version ${printable(done.version)} goes on`,
    ]);
  return done.ok ? EXIT.ok : EXIT.no;
}
