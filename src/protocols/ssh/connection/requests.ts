/** The requests in a session channel that mean something here (RFC 4254 sections 6.2 to 6.10). */
import { WireReader } from '../../../core/ssh-wire.ts';
import type { Request } from './messages.ts';

/** A channel request, as it came. */
export interface Asked {
  readonly payload: Buffer;
  readonly wantReply: boolean;
}

/** Those that begin what the channel is for. */
export const START_REQUESTS: ReadonlySet<string> = new Set(['shell', 'exec', 'subsystem']);

export interface Terminal {
  readonly term: string;
  readonly columns: number;
  readonly rows: number;
}

/** `pty-req`. @throws WireError */
export function decodePtyReq({ data }: Request): Terminal {
  const reader = new WireReader(data);
  return { term: reader.string().toString(), columns: reader.uint32(), rows: reader.uint32() };
}

/** `window-change`. @throws WireError */
export function decodeWindowChange({ data }: Request): Pick<Terminal, 'columns' | 'rows'> {
  const reader = new WireReader(data);
  return { columns: reader.uint32(), rows: reader.uint32() };
}

/** How a program ended, from `exit-status` or `exit-signal`; null for other requests. */
export function exitOf({ type, data }: Request): Readonly<Record<string, unknown>> | null {
  const reader = new WireReader(data);
  if (type === 'exit-status') return { exitStatus: reader.uint32() };
  if (type === 'exit-signal') return { exitSignal: reader.string().toString('latin1').slice(0, 64) };
  return null;
}
