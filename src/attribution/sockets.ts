import type { HlSocketEvent } from '../kernel/layouts.generated.ts';
import { chainOf } from './chain.ts';
import type { Image } from './image.ts';

const FAMILIES: Readonly<Record<number, string>> = {
  2: 'IPv4',
  10: 'IPv6',
  17: 'AF_PACKET',
  21: 'AF_RDS',
  29: 'AF_CAN',
  30: 'AF_TIPC',
  31: 'AF_BLUETOOTH',
  40: 'AF_VSOCK',
  43: 'AF_SMC',
  44: 'AF_XDP',
};
const TYPES: Readonly<Record<number, string>> = { 1: 'stream', 2: 'datagram', 3: 'raw', 5: 'seqpacket' };
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'ICMP (ping)',
  33: 'DCCP',
  58: 'ICMPv6 (ping)',
  132: 'SCTP',
  136: 'UDP-Lite',
};

/** One line for a person: which socket was refused, or could not be and is told. */
export function describeSocket(event: HlSocketEvent, image: Image | null): string {
  const family = FAMILIES[event.family] ?? `address family ${event.family}`;
  const type = TYPES[event.type] ?? `type ${event.type}`;
  const protocol =
    event.family === 2 || event.family === 10
      ? (PROTOCOLS[event.protocol] ?? `protocol ${event.protocol}`)
      : `protocol ${event.protocol}`;
  const who = image ? chainOf(image).join(' › ') : `pid ${event.who.proc.tgid}`;
  const outcome = event.refused
    ? 'refused: its traffic would pass the proxy by'
    : 'was made: its traffic passes below the hooks';
  return `${family} ${type} socket, ${protocol}, ${outcome} (${who}, uid ${event.who.uid})`;
}
