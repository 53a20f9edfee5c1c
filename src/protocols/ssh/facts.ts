/** What policies read of what is done over SSH, and what the record keeps of it. */
import { WireReader } from '../../core/ssh-wire.ts';
import type { ActionName, Facts } from '../room.ts';
import { programOf, splitCommand } from './command-line.ts';
import type { Transfer } from './transfers.ts';

/** Something that is to be decided, and recorded. */
export interface Deed {
  readonly action: ActionName;
  readonly facts: Facts;
  /** One line. */
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Characters of a command that the record and policies see; what was cut is told. */
const KEPT = 65_536;
const SUBJECT = 200;

export function shellDeed(account: string, pty: boolean): Deed {
  return { action: 'shell', facts: { account, pty }, subject: 'shell', detail: { account, pty } };
}

export function execDeed(account: string, pty: boolean, command: string): Deed {
  const kept = command.slice(0, KEPT).toWellFormed();
  const { words, known } = splitCommand(kept);
  const whole = known && kept.length === command.length;
  const tool = programOf(words[0] ?? '');
  return {
    action: 'exec',
    facts: { account, pty, command: kept, tool, words: [...new Set(words)], known: whole },
    subject: line(kept),
    detail: {
      ...{ account, pty, command: kept },
      ...(kept.length < command.length ? { cut: command.length - kept.length } : {}),
      ...(whole ? { words } : { known: false }),
    },
  };
}

export function transferDeed(account: string, transfer: Transfer, more: Record<string, unknown> = {}): Deed {
  const { tool, operation, direction, path } = transfer;
  return {
    action: 'transfer',
    facts: { account, tool, operation, direction, path: path.toWellFormed() },
    subject: line(path === '' ? tool : `${operation} ${path}`),
    detail: { account, ...transfer, ...more },
  };
}

export interface Forward {
  readonly kind: 'tcp' | 'unix' | 'x11' | 'agent' | 'tunnel';
  /** `local`: the host connects for the client. */
  readonly direction: 'local' | 'remote';
  readonly toHost: string;
  readonly toPort: number;
}

export function forwardDeed(account: string, forward: Forward): Deed {
  const { kind, direction, toHost, toPort } = forward;
  const where = kind === 'tcp' ? `${toHost}:${toPort}` : toHost;
  return {
    action: 'forward',
    facts: { account, forwarded: kind, direction, toHost, toPort },
    subject: line(`${direction} ${kind} ${where}`.trimEnd()),
    detail: { account, ...forward },
  };
}

/** Of a channel that is opened; null where the type is none that forwards. @throws WireError */
export function forwardOfOpen(type: string, data: Buffer): Forward | null {
  const reader = new WireReader(data);
  switch (type) {
    case 'direct-tcpip':
      return { kind: 'tcp', direction: 'local', toHost: text(reader), toPort: reader.uint32() };
    case 'forwarded-tcpip':
      return { kind: 'tcp', direction: 'remote', toHost: text(reader), toPort: reader.uint32() };
    case 'direct-streamlocal@openssh.com':
      return { kind: 'unix', direction: 'local', toHost: text(reader), toPort: 0 };
    case 'forwarded-streamlocal@openssh.com':
      return { kind: 'unix', direction: 'remote', toHost: text(reader), toPort: 0 };
    case 'tun@openssh.com':
      return { kind: 'tunnel', direction: 'local', toHost: '', toPort: 0 };
    case 'x11':
      return { kind: 'x11', direction: 'remote', toHost: '', toPort: 0 };
    case 'auth-agent@openssh.com':
      return { kind: 'agent', direction: 'remote', toHost: '', toPort: 0 };
    default:
      return null;
  }
}

/** Of a request for the connection: where the host is to listen. @throws WireError */
export function forwardOfGlobal(type: string, data: Buffer): Forward | null {
  const reader = new WireReader(data);
  if (type === 'tcpip-forward')
    return { kind: 'tcp', direction: 'remote', toHost: text(reader), toPort: reader.uint32() };
  if (type === 'streamlocal-forward@openssh.com')
    return { kind: 'unix', direction: 'remote', toHost: text(reader), toPort: 0 };
  return null;
}

function text(reader: WireReader): string {
  return reader.string().toString().toWellFormed();
}

function line(whole: string): string {
  const one = whole.replace(/\s*\n\s*/g, ' ⏎ ');
  return one.length <= SUBJECT ? one : `${one.slice(0, SUBJECT - 1).toWellFormed()}…`;
}
