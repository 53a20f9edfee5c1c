/**
 * Reads the headers of a captured packet: who, to whom, by which protocol. The bytes are an attacker's, so every read is
 * bounded by what was captured, and every loop by a count.
 */
import { addressText } from '../core/address.ts';

/** pcap's link types that uplinks have (pcap-linktype(7)), as the cap package names them. */
export type LinkType = 'ETHERNET' | 'RAW' | 'LINKTYPE_LINUX_SLL' | 'NULL';

export interface Packet {
  /** IP protocol number, after IPv6's extension headers. */
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** 0 where the protocol has none, or the packet ends before them. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** TCP's flags, or ICMP's type; 0 for others. */
  readonly detail: number;
}

export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMPV6 = 58;
export const SCTP = 132;
export const DCCP = 33;
export const UDPLITE = 136;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** 802.1Q and 802.1ad; two tags at most, as 802.1ad has it. */
const VLAN_TAGS = new Set([0x8100, 0x88a8, 0x9100]);

/** Hop-by-hop, routing, fragment, destination options, mobility, HIP, shim6 (RFC 7045); AH counts in other units. */
const EXTENSIONS = new Set([0, 43, 44, 60, 135, 139, 140]);
const AUTHENTICATION = 51;
const FRAGMENT = 44;
/** RFC 8200, section 4.1 names seven at most in one packet; more is nobody's honest packet. */
const EXTENSION_LIMIT = 8;

/**
 * @param bytes what was captured, from the link header on
 * @returns null where it is no IP packet, or ends before its addresses
 */
export function readPacket(bytes: Buffer, link: LinkType): Packet | null {
  switch (link) {
    case 'ETHERNET':
      return readEthernet(bytes);
    case 'LINKTYPE_LINUX_SLL':
      return bytes.length < 16 ? null : readNetwork(bytes.readUInt16BE(14), bytes.subarray(16));
    case 'NULL':
      return readIp(bytes.subarray(4));
    case 'RAW':
      return readIp(bytes);
  }
}

function readEthernet(bytes: Buffer): Packet | null {
  let at = 12;
  for (let tags = 0; tags <= 2; tags += 1) {
    if (bytes.length < at + 2) return null;
    const type = bytes.readUInt16BE(at);
    if (!VLAN_TAGS.has(type)) return readNetwork(type, bytes.subarray(at + 2));
    at += 4;
  }
  return null;
}

function readNetwork(ethertype: number, bytes: Buffer): Packet | null {
  return ethertype === ETHERTYPE_IPV4 || ethertype === ETHERTYPE_IPV6 ? readIp(bytes) : null;
}

function readIp(bytes: Buffer): Packet | null {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4) return readIpv4(bytes);
  return version === 6 ? readIpv6(bytes) : null;
}

/** RFC 791. */
function readIpv4(bytes: Buffer): Packet | null {
  if (bytes.length < 20) return null;
  const header = (bytes.readUInt8(0) & 0xf) * 4;
  if (header < 20) return null;
  const fragment = bytes.readUInt16BE(6) & 0x1fff;
  return transport(
    bytes.readUInt8(9),
    bytes.subarray(12, 16).join('.'),
    bytes.subarray(16, 20).join('.'),
    fragment === 0 ? bytes.subarray(header) : null,
  );
}

/** RFC 8200. */
function readIpv6(bytes: Buffer): Packet | null {
  if (bytes.length < 40) return null;
  let protocol = bytes.readUInt8(6);
  let at = 40;
  let later = false;
  for (let count = 0; count < EXTENSION_LIMIT && !later; count += 1) {
    const authentication = protocol === AUTHENTICATION;
    if ((!authentication && !EXTENSIONS.has(protocol)) || bytes.length < at + 8) break;
    const length = bytes.readUInt8(at + 1);
    later = protocol === FRAGMENT && bytes.readUInt16BE(at + 2) >> 3 !== 0;
    const size = protocol === FRAGMENT ? 8 : authentication ? (length + 2) * 4 : (length + 1) * 8;
    protocol = bytes.readUInt8(at);
    at += size;
  }
  return transport(
    protocol,
    addressText(bytes.subarray(8, 24)),
    addressText(bytes.subarray(24, 40)),
    later ? null : bytes.subarray(at),
  );
}

/** @param payload null for a fragment that is not the first: ports and flags were in another packet */
function transport(
  protocol: number,
  source: string,
  destination: string,
  payload: Buffer | null,
): Packet | null {
  if (payload === null) return null;
  const ports = [TCP, UDP, SCTP, DCCP, UDPLITE].includes(protocol) && payload.length >= 4;
  return {
    protocol,
    source,
    destination,
    sourcePort: ports ? payload.readUInt16BE(0) : 0,
    destinationPort: ports ? payload.readUInt16BE(2) : 0,
    detail: detail(protocol, payload),
  };
}

function detail(protocol: number, payload: Buffer): number {
  if (protocol === TCP) return payload[13] ?? 0;
  return protocol === ICMP || protocol === ICMPV6 ? (payload[0] ?? 0) : 0;
}
