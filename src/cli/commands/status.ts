import { printable } from '../../core/text.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { bytes, clock, count, duration } from '../format.ts';

/** Exit code 1 when the daemon reports a problem. */
export async function status(context: Context): Promise<number> {
  const found = await context.ask((client) => client.call('status', {}));
  const verdict = found.problems.length === 0 ? EXIT.ok : EXIT.no;
  if (context.json) {
    context.printJson(found);
    return verdict;
  }
  const { style } = context;
  const { colors } = style;
  const line = (name: string, value: string) => `${colors.dim(name.padEnd(10))}${value}`;
  const figures = (values: Readonly<Record<string, unknown>>) =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${name === 'bytes' ? bytes(Number(value)) : printable(String(value))}`)
      .join(', ');
  const open = found.workers.reduce((sum, worker) => sum + worker.open, 0);
  const ready = found.workers.filter((worker) => worker.ready).length;
  const age = duration(style.now.getTime() - Date.parse(found.started));
  const mode =
    found.mode === 'enforce' ? colors.green('enforce') : colors.yellow('observe: decides, lets pass');
  context.print([
    line(
      'hoplined',
      `${printable(found.version)} on ${printable(found.host)}, pid ${found.pid}, since ${clock(found.started, style.now)} (${age})`,
    ),
    line('mode', mode),
    line(
      'policy',
      `${printable(found.policy.version)}: ${count(found.policy.policies, 'policy', 'policies')}, ${count(found.policy.targets, 'target')}`,
    ),
    line('workers', `${ready} of ${found.workers.length} ready, ${count(open, 'open connection')}`),
    line('store', figures(found.store)),
    line('kernel', figures(found.kernel)),
    ...found.problems.map((text) => line('problem', colors.red(printable(text)))),
  ]);
  return verdict;
}
