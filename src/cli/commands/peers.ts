import { readFileSync } from 'node:fs';
import { printable } from '../../core/text.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { clock } from '../format.ts';
import { table } from '../table.ts';

type Options = Readonly<Record<string, unknown>>;

/** Exit code 1 while one of them is not connected. */
export async function list(context: Context): Promise<number> {
  const fleet = await context.ask((client) => client.call('peers', {}));
  const apart = fleet.peers.filter(({ connected }) => !connected);
  if (context.json) context.printJson(fleet);
  else if (!fleet.joined)
    context.print(
      'this host is in no fleet: sudo hopline peer invite HOST makes one, or peer join joins one',
    );
  else {
    const { colors, now } = context.style;
    const rows = fleet.peers.map(({ host, endpoint, connected, reason, since }) => [
      printable(host),
      endpoint ?? '-',
      connected
        ? { text: 'connected', paint: colors.green }
        : { text: `not connected: ${printable(reason ?? '')}`, paint: colors.red },
      since === null ? '-' : clock(since, now),
    ]);
    const at = fleet.listen === null ? 'listens nowhere (peering.listen)' : `listens on ${fleet.listen}`;
    context.print([
      `${printable(fleet.host)} ${at}${fleet.founded ? '; hosts are invited here' : ''}`,
      ...table(['HOST', 'AT', 'STATE', 'SINCE'], rows, context.style),
      ...fleet.invited.map(({ host, expires }) =>
        colors.dim(`${printable(host)} is invited until ${clock(expires, now)}`),
      ),
    ]);
  }
  return apart.length === 0 ? EXIT.ok : EXIT.no;
}

/** The line to type there, on standard output; what is to be known of it on standard error. */
export async function invite(context: Context, _: Options, [host = '']: readonly string[]): Promise<number> {
  const { token, expires, endpoint } = await context.ask((client) => client.call('peer.invite', { host }));
  if (context.json) context.printJson({ host, token, expires, endpoint });
  else {
    context.print(`sudo hopline peer join ${endpoint ?? 'ADDRESS:PORT'} ${token}`);
    context.note(`on ${printable(host)}, once, before ${clock(expires, context.style.now)}`);
    if (endpoint === null)
      context.note(
        'this host listens for no other, or on every address: set peering.listen, or peering.advertise',
      );
  }
  return EXIT.ok;
}

export async function join(
  context: Context,
  _: Options,
  [endpoint = '', given = '']: readonly string[],
): Promise<number> {
  const token = given === '-' ? readFileSync(0, 'utf8').trim() : given;
  const { by } = await context.ask((client) => client.call('peer.join', { endpoint, token }));
  if (context.json) context.printJson({ by });
  else context.print(`joined the fleet of ${printable(by)}: hopline peer list`);
  return EXIT.ok;
}

export async function remove(context: Context, _: Options, [host = '']: readonly string[]): Promise<number> {
  await context.ask((client) => client.call('peer.remove', { host }));
  if (context.json) context.printJson({ host });
  else context.print(`${printable(host)} is out for this host; say the same on the others`);
  return EXIT.ok;
}

export async function leave(context: Context): Promise<number> {
  await context.ask((client) => client.call('peer.leave', {}));
  if (context.json) context.printJson({});
  else context.print('this host is in no fleet');
  return EXIT.ok;
}
