/** `struct sockaddr_in` and `sockaddr_in6` (ip(7), ipv6(7)), little-endian family as on x86-64 and arm64. */
import ipaddr from 'ipaddr.js';
import type { Endpoint } from '../core/types.ts';

const AF_INET = 2;
const AF_INET6 = 10;

export function writeAddress({ address, port }: Endpoint): Buffer {
  const parsed = ipaddr.parse(address);
  const bytes = parsed.toByteArray();
  const v4 = parsed.kind() === 'ipv4';
  const out = Buffer.alloc(v4 ? 16 : 28);
  out.writeUInt16LE(v4 ? AF_INET : AF_INET6, 0);
  out.writeUInt16BE(port, 2);
  out.set(bytes, v4 ? 4 : 8);
  return out;
}

/** @throws RangeError where the family is another */
export function readAddress(bytes: Buffer): Endpoint {
  const family = bytes.readUInt16LE(0);
  const port = bytes.readUInt16BE(2);
  if (family === AF_INET) return { address: [...bytes.subarray(4, 8)].join('.'), port };
  if (family === AF_INET6)
    return { address: ipaddr.fromByteArray([...bytes.subarray(8, 24)]).toString(), port };
  throw new RangeError(`address family ${family} is neither IPv4 nor IPv6`);
}
