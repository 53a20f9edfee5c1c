/** What the tripwire process tells the supervisor over IPC, and the check on it: it reads hostile bytes. */
import { count, endpoint, text as fits, record } from '../core/fields.ts';
import type { Endpoint, Micros } from '../core/types.ts';

const TEXT_LIMIT = 256;

export interface PacketReport {
  /** `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`, `dccp`, `udplite`, else `ip-NUMBER`. */
  readonly proto: string;
  readonly protocol: number;
  readonly source: Endpoint;
  readonly destination: Endpoint;
  readonly interface: string;
  readonly at: Micros;
}

export type FromTripwire =
  | { readonly type: 'ready'; readonly interfaces: readonly string[] }
  | { readonly type: 'report'; readonly report: PacketReport }
  /** So many packets of new conversations were not reported, because there were too many. */
  | { readonly type: 'limited'; readonly count: number }
  /** An interface that cannot be watched, or no longer. */
  | { readonly type: 'trouble'; readonly message: string };

/** @returns the message with nothing in it but its own fields, or null where it is none */
export function fromTripwire(value: unknown): FromTripwire | null {
  const m = record(value);
  switch (m?.type) {
    case 'ready': {
      const interfaces = m.interfaces;
      if (!Array.isArray(interfaces) || interfaces.length > 4096 || !interfaces.every(text)) return null;
      return { type: 'ready', interfaces: interfaces as string[] };
    }
    case 'limited':
      return count(m.count) ? { type: 'limited', count: m.count } : null;
    case 'trouble':
      return text(m.message) ? { type: 'trouble', message: m.message } : null;
    case 'report': {
      const report = packetReport(record(m.report));
      return report === null ? null : { type: 'report', report };
    }
    default:
      return null;
  }
}

function packetReport(r: Record<string, unknown> | null): PacketReport | null {
  if (r === null) return null;
  const source = endpoint(r.source);
  const destination = endpoint(r.destination);
  const { proto, protocol, at } = r;
  const name = r.interface;
  if (source === null || destination === null || !text(proto) || !text(name)) return null;
  if (!count(protocol) || protocol > 255 || !count(at)) return null;
  return { proto, protocol, source, destination, interface: name, at };
}

function text(value: unknown): value is string {
  return fits(value, TEXT_LIMIT);
}
