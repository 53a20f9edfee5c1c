import type { Explanation } from '../../api/protocol.ts';
import { printable } from '../../core/text.ts';
import type { Context } from '../context.ts';
import { chain } from '../describe.ts';
import { EXIT, UsageError } from '../exit.ts';
import { endpoint } from '../format.ts';
import { textOption } from '../since.ts';

/** Exit code 1 when the connection would not be allowed. */
export async function explain(context: Context, options: Readonly<Record<string, unknown>>): Promise<number> {
  const login = textOption(options.login);
  const user = textOption(options.user);
  const target = textOption(options.target);
  const destination = textOption(options.destination);
  if ((login === undefined) === (user === undefined))
    throw new UsageError('say who: --login ID or --user NAME');
  if (target === undefined && destination === undefined) {
    throw new UsageError('say where to: --target NAME or --destination ADDRESS:PORT');
  }
  const programs = textOption(options.chain)
    ?.split(',')
    .map((name) => name.trim());
  const params = { login, user, target, destination, chain: programs };
  const found = await context.ask((client) => client.call('policy.explain', params));
  const { decision } = found;
  if (context.json) context.printJson(found);
  else {
    const { style } = context;
    const { colors } = style;
    const paint = decision.outcome === 'allow' ? colors.green : colors.red;
    const line = (name: string, value: string) => `${colors.dim(name.padEnd(12))}${value}`;
    const groups = found.groups.length === 0 ? '' : ` (${found.groups.join(', ')})`;
    const where = found.destination === null ? '' : ` ${endpoint(found.destination)}`;
    context.print([
      `${paint(decision.outcome)}  ${printable(decision.reason)}`,
      line('who', printable(`${found.user ?? 'nobody known'}${groups}`)),
      ...(found.chain.length === 0 ? [] : [line('chain', chain(found.chain, style))]),
      line('to', printable(`${found.route.target ?? ''}${where}`.trim())),
      line('route', printable(found.route.action)),
      ...(found.held === null ? [] : [line('login', printable(held(found.held)))]),
      ...decision.errors.map((text) => line('error', colors.red(printable(text)))),
      ...Object.entries(found.policies).flatMap(([id, text]) => [
        '',
        colors.bold(`policy ${printable(id)}`),
        ...text
          .trim()
          .split('\n')
          .map((row) => `  ${printable(row)}`),
      ]),
    ]);
  }
  return decision.outcome === 'allow' ? EXIT.ok : EXIT.no;
}

function held({ by, user, source, refused }: NonNullable<Explanation['held']>): string {
  if (refused !== null) return `none: ${refused}`;
  const whose = by === 'client' ? 'whoever the client asks for' : (user ?? 'whoever it says');
  return `held by Hopline: ${whose}, from ${source}`;
}
