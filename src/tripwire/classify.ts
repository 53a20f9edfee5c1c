/** Which packets begin something that a flow has to explain, and what they are called. */
import { DCCP, ICMP, ICMPV6, type Packet, SCTP, TCP, UDP, UDPLITE } from './packet.ts';

const NAMES: ReadonlyMap<number, string> = new Map([
  [TCP, 'tcp'],
  [UDP, 'udp'],
  [ICMP, 'icmp'],
  [ICMPV6, 'icmpv6'],
  [SCTP, 'sctp'],
  [DCCP, 'dccp'],
  [UDPLITE, 'udplite'],
]);

const IGMP = 2;
const SYN = 0x02;
const ACK = 0x10;

/** Echo, timestamp, information and address mask requests (RFC 792, RFC 950); the rest the kernel sends by itself. */
const ICMP_REQUESTS = new Set([8, 13, 15, 17]);
/** Echo request, node information query (RFC 4443, RFC 4620); the rest is neighbour discovery and errors. */
const ICMPV6_REQUESTS = new Set([128, 139]);

export function protocolName(protocol: number): string {
  return NAMES.get(protocol) ?? `ip-${protocol}`;
}

/** Whether this packet, leaving the host, begins a conversation. IGMP is the kernel's own. */
export function begins(packet: Packet): boolean {
  switch (packet.protocol) {
    case TCP:
      return (packet.detail & (SYN | ACK)) === SYN;
    case ICMP:
      return ICMP_REQUESTS.has(packet.detail);
    case ICMPV6:
      return ICMPV6_REQUESTS.has(packet.detail);
    default:
      return packet.protocol !== IGMP;
  }
}

/**
 * The same in the kernel, so that a busy uplink costs little: no TCP segment but SYN without ACK. Fragments that are
 * not first, and IPv6 with extension headers, pass to user space, where `begins` looks again.
 *
 * libpcap (1.10) runs the first frame through the filter in user space, where `outbound` rejects whatever reaches it.
 * The card's own address, which comes first, catches that frame; `outbound` catches those with a forged one.
 *
 * @param mac the interface's, or null where it has none
 */
export function filter(mac: string | null): string {
  const outgoing = mac === null ? 'outbound' : `(ether src ${mac} or outbound)`;
  return (
    `${outgoing} and (` +
    '(ip and (ip[9] != 6 or (ip[6:2] & 0x1fff) != 0 or tcp[13] & 0x12 = 2)) or ' +
    '(ip6 and (ip6[6] != 6 or ip6[53] & 0x12 = 2)))'
  );
}
