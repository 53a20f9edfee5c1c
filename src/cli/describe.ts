import type { HandoffJson, HopJson, LoginJson, ProcessJson } from '../api/json.ts';
import { commandLine, printable } from '../core/text.ts';
import { between, bytes, clock, duration, endpoint } from './format.ts';
import type { Style } from './style.ts';

/** One line about each thing. Everything that came from outside goes through `printable`. */

const USUAL = /^(\/usr(\/local)?)?\/s?bin\//;
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  6: 'SIGABRT',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
};

/** Who: the identity's name where there is a proven one, else the account, said to be no more than that. */
export function who(login: LoginJson): string {
  const account = login.user ?? (login.uid === null ? 'unknown' : `uid ${login.uid}`);
  const { identity } = login;
  if (identity === null || !identity.verified) return printable(account);
  return printable(identity.name === account ? account : `${identity.name} as ${account}`);
}

/** How it came: `ssh from 10.77.0.2:53120`, `console`, `unattended (cron)`. */
export function origin(login: LoginJson): string {
  const from = login.client === null ? '' : ` from ${printable(endpoint(login.client))}`;
  const source = login.source === null ? '' : ` (${printable(login.source)})`;
  return `${login.kind}${source}${from}`;
}

export function evidence(login: LoginJson): string {
  if (login.identity === null) return login.kind === 'unattended' ? '' : 'unverified';
  const { method, fingerprint, keyId } = login.identity.evidence;
  const proof = keyId ?? fingerprint;
  const how = proof === undefined ? method : `${method} ${proof}`;
  return printable(login.identity.verified ? how : `${how} unverified`);
}

/** lingering, recovered, revoked: what is out of the ordinary about a login. */
export function marks(login: LoginJson, style: Style): string[] {
  const { colors, now } = style;
  return [
    ...(login.lingering ? [colors.yellow('lingering')] : []),
    ...(login.recovered ? [colors.yellow('recovered')] : []),
    ...(login.revoked === null ? [] : [colors.red(`revoked ${clock(login.revoked, now)}`)]),
  ];
}

export function span(login: LoginJson, style: Style): string {
  const { glyphs, now } = style;
  const end = login.ended === null ? 'now' : clock(login.ended, now);
  return `${clock(login.started, now)} ${glyphs.dash} ${end}`;
}

/** By which hop of another host it came and what vouches for that, or why that is not known. */
function linkText({ link, parentHop }: LoginJson, { colors, glyphs }: Style): string[] {
  if (link === null) return parentHop === null ? [] : [`${glyphs.in} hop ${parentHop}`];
  if (link.evidence !== null)
    return [`${glyphs.in} ${link.host} hop ${link.hop} ${colors.dim(`(${link.evidence})`)}`];
  const from = link.host === null ? '' : ` from ${printable(link.host)}`;
  return [colors.yellow(`unlinked${from}: ${printable(link.reason)}`)];
}

/** @param login where it says so, with a mark that it has recordings of its own */
export function loginLine(
  login: LoginJson & { readonly recordings?: readonly string[] },
  style: Style,
): string {
  const { colors } = style;
  return [
    colors.bold(who(login)),
    origin(login),
    ...(login.tty === null ? [] : [printable(login.tty)]),
    span(login, style),
    ...[evidence(login)].filter(Boolean).map(colors.dim),
    ...marks(login, style),
    ...((login.recordings?.length ?? 0) > 0 ? [colors.green('recorded')] : []),
    ...linkText(login, style),
    colors.cyan(`[L ${login.id}]`),
  ].join('  ');
}

/** The command line, and the file that really ran where it goes by another name. */
export function processLabel(process: ProcessJson, limit?: number): string {
  const line = process.argv.length === 0 ? printable(process.exe) : commandLine(process.argv, limit);
  const cut = process.argvBytes > 4096 && limit === undefined ? ` [argv ${bytes(process.argvBytes)}]` : '';
  return `${line}${cut}${realName(process)}`;
}

function realName(process: ProcessJson): string {
  const base = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  const shown = base((process.argv[0] ?? process.exe).replace(/^-/, ''));
  const real = base(process.exe);
  // python3 is python3.11: a version after the name is the same program.
  const same = real === shown || (real.startsWith(shown) && /^[\d.]+$/.test(real.slice(shown.length)));
  if (same && process.exeVerified) return '';
  const name = USUAL.test(process.exe) ? real : process.exe;
  return `  (${printable(name)}${process.exeVerified ? '' : '?'})`;
}

/** What became of a process that did not simply end well. */
export function processMarks(process: ProcessJson, style: Style): string {
  const { colors } = style;
  const found = [
    ...(process.recovered ? [colors.yellow('recovered')] : []),
    ...(process.signal === null
      ? []
      : [colors.yellow(SIGNALS[process.signal] ?? `signal ${process.signal}`)]),
    ...(process.exitCode ? [colors.dim(`exit ${process.exitCode}`)] : []),
  ];
  return found.length === 0 ? '' : `  ${found.join('  ')}`;
}

export function outcome(hop: HopJson, style: Style): string {
  const { colors } = style;
  const { outcome: word, reason, observed } = hop.decision;
  if (word === 'allow') return colors.green('allow');
  const paint = word === 'deny' ? colors.red : colors.yellow;
  return `${paint(observed ? `${word} (observed, let pass)` : word)}  ${printable(reason)}`;
}

/** Target or name, then the address: `orders-db 10.77.0.20:5432`. */
export function destination(hop: HopJson): string {
  const name = hop.target ?? hop.name;
  const address = endpoint(hop.destination);
  return printable(name === null ? address : `${name} ${address}`);
}

/** How much, how long, and how it ended. @param bytesOf sums over several hops of a kind */
export function traffic(
  hop: HopJson,
  style: Style,
  bytesOf = { up: hop.bytesUp, down: hop.bytesDown },
): string {
  const { glyphs } = style;
  const parts = [
    ...(bytesOf.up === null ? [] : [`${glyphs.up}${bytes(bytesOf.up)}`]),
    ...(bytesOf.down === null ? [] : [`${glyphs.down}${bytes(bytesOf.down)}`]),
  ];
  return parts.join(' ');
}

export function hopLine(hop: HopJson, style: Style, repeated?: readonly HopJson[]): string {
  const { colors, glyphs, now } = style;
  const refused = hop.mode === 'denied';
  const sum = (of: (one: HopJson) => number | null) =>
    repeated?.reduce<number | null>(
      (total, one) => (of(one) === null ? total : (total ?? 0) + (of(one) ?? 0)),
      null,
    ) ?? null;
  const flow = repeated
    ? traffic(hop, style, { up: sum((one) => one.bytesUp), down: sum((one) => one.bytesDown) })
    : traffic(hop, style);
  const lasted =
    hop.ended === null ? between(hop.started, now.toISOString()) : between(hop.started, hop.ended);
  return [
    `${colors.cyan(glyphs.hop)} ${destination(hop)} ${printable(hop.protocol)}`,
    ...(hop.transport === 'tcp' ? [] : [hop.transport]),
    ...(hop.mode === 'direct' ? [colors.dim('direct')] : []),
    outcome(hop, style),
    ...(refused || flow === '' ? [] : [flow]),
    ...(refused || repeated ? [] : [hop.ended === null ? `open ${duration(lasted)}` : duration(lasted)]),
    ...(hop.endReason === null || refused ? [] : [colors.yellow(printable(hop.endReason))]),
    ...(hop.actions > 0 ? [`${hop.actions} ${hop.actions === 1 ? 'action' : 'actions'}`] : []),
    ...(hop.childLogin === null
      ? []
      : [
          `${glyphs.hop} ${hop.childHost === null ? '' : `${printable(hop.childHost)} `}[L ${hop.childLogin}]`,
        ]),
  ].join('  ');
}

/** Seen from `login`: where it went, or where it came from. */
export function handoffLine(handoff: HandoffJson, login: string | null, style: Style): string {
  const { colors, glyphs } = style;
  const via = printable(handoff.via);
  const name = (id: string | null) => (id === null ? 'no known login' : `login ${id}`);
  const line =
    handoff.toLogin === login && handoff.login !== login
      ? `${glyphs.in} handoff ${handoff.kind} ${glyphs.dash} from ${name(handoff.login)}  ${via}`
      : `${glyphs.out} handoff ${handoff.kind} ${glyphs.hop} ${name(handoff.toLogin)} (pid ${handoff.toPid})  ${via}`;
  return colors.magenta(line);
}

export function chain(programs: readonly string[], style: Style): string {
  return programs.map(printable).join(` ${style.glyphs.chain} `);
}
