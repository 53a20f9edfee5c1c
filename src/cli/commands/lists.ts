import { printable } from '../../core/text.ts';
import type { Context } from '../context.ts';
import { chain, evidence, handoffLine, hopLine, marks, origin, span, who } from '../describe.ts';
import { EXIT } from '../exit.ts';
import { clock } from '../format.ts';
import { numberOption, sinceOption, textOption } from '../since.ts';
import { table } from '../table.ts';

type Options = Readonly<Record<string, unknown>>;

export async function logins(context: Context, options: Options): Promise<number> {
  const all = options.all === true;
  const params = { all, user: textOption(options.user), limit: numberOption(options.limit) };
  const found = await context.ask((client) => client.call('logins', params));
  if (context.json) {
    context.printJson(found);
    return EXIT.ok;
  }
  const { style } = context;
  const plain = { ...style, colors: { ...style.colors, yellow: String, red: String } };
  const rows = found.map((login) => [
    { text: login.id, paint: style.colors.cyan },
    { text: who(login), paint: style.colors.bold },
    origin(login),
    printable(login.tty ?? ''),
    span(login, style),
    { text: marks(login, plain).join(' '), paint: style.colors.yellow },
    evidence(login),
  ]);
  const lines = table(['LOGIN', 'USER', 'ORIGIN', 'TTY', 'TIME', 'MARKS', 'EVIDENCE'], rows, style);
  context.print(lines.length > 0 ? lines : all ? 'no logins' : 'no open logins (--all)');
  return EXIT.ok;
}

export async function hops(context: Context, options: Options): Promise<number> {
  const { style } = context;
  const params = {
    login: textOption(options.login),
    user: textOption(options.user),
    target: textOption(options.target),
    since: sinceOption(options.since, style.now),
    outcome: options.denied === true ? ('deny' as const) : undefined,
    open: options.open === true,
    unattributed: options.unattributed === true,
    limit: numberOption(options.limit),
  };
  const found = await context.ask((client) => client.call('hops', params));
  if (context.json) context.printJson(found);
  else {
    const { colors } = style;
    const line = (hop: (typeof found)[number]) =>
      [
        clock(hop.started, style.now),
        colors.cyan(hop.id),
        hop.login === null ? colors.yellow('unattributed') : `[L ${hop.login}]`,
        hopLine(hop, style),
        colors.dim(chain(hop.chain, style)),
      ].join('  ');
    context.print(found.length > 0 ? found.map(line) : 'no such hops');
  }
  return EXIT.ok;
}

export async function handoffs(context: Context, options: Options): Promise<number> {
  const { style } = context;
  const params = {
    login: textOption(options.login),
    since: sinceOption(options.since, style.now),
    limit: numberOption(options.limit),
  };
  const found = await context.ask((client) => client.call('handoffs', params));
  if (context.json) context.printJson(found);
  else {
    const line = (one: (typeof found)[number]) =>
      `${clock(one.at, style.now)}  ${one.login === null ? 'unattributed' : `[L ${one.login}]`}  ${handoffLine(one, one.login, style)}`;
    context.print(found.length > 0 ? found.map(line) : 'no handoffs');
  }
  return EXIT.ok;
}

export async function notices(context: Context, options: Options): Promise<number> {
  const { style } = context;
  const params = {
    kind: textOption(options.kind),
    since: sinceOption(options.since, style.now),
    limit: numberOption(options.limit),
  };
  const found = await context.ask((client) => client.call('notices', params));
  if (context.json) context.printJson(found);
  else {
    const rows = found.map((one) => [
      clock(one.at, style.now),
      { text: one.kind, paint: style.colors.yellow },
      one.count === 1 ? '' : String(one.count),
      one.login ?? '',
      printable(one.detail),
    ]);
    const lines = table(['TIME', 'KIND', 'COUNT', 'LOGIN', 'DETAIL'], rows, style);
    context.print(lines.length > 0 ? lines : 'no notices');
  }
  return EXIT.ok;
}
