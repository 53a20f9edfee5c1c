/** Addresses and prefixes as text in one canonical form. Mapped IPv6 (`::ffff:a.b.c.d`) becomes the IPv4 it maps. */

import ipaddr from 'ipaddr.js';
import { isLoopback as isLoopbackText } from '../core/loopback.ts';

type Ip = ipaddr.IPv4 | ipaddr.IPv6;

export class AddressError extends Error {
  override readonly name = 'AddressError';
  readonly hint: string | null;

  constructor(message: string, hint: string | null = null) {
    super(message);
    this.hint = hint;
  }
}

/**
 * @returns `10.0.0.0/8`, `fd00::/8`; a single address as a /32 or /128
 * @throws AddressError where the text is no address, has no valid prefix length, or has bits set after it
 */
export function parsePrefix(text: string): string {
  const slash = text.indexOf('/');
  if (slash < 0) {
    const ip = parseIp(text);
    return `${canonical(ip)}/${ip.kind() === 'ipv4' ? 32 : 128}`;
  }
  const address = text.slice(0, slash);
  const length = text.slice(slash + 1);
  const raw = parseRaw(address);
  const most = raw.kind() === 'ipv4' ? 32 : 128;
  if (!/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > most) {
    throw new AddressError(`"/${length}" is no prefix length`, `use a whole number from 0 to ${most}`);
  }
  const bits = Number(length);
  const network = masked(raw, bits);
  if (!raw.toByteArray().every((byte, index) => byte === network.toByteArray()[index])) {
    const whole = render(network, bits);
    throw new AddressError(
      `${text} has bits set after its prefix`,
      `write ${whole} for the network, or ${render(raw, most)} for the one address`,
    );
  }
  return render(network, bits);
}

/**
 * @returns the canonical text of one address
 * @throws AddressError
 */
export function parseAddress(text: string): string {
  return canonical(parseIp(text));
}

/** Is the address (any accepted form) 127.0.0.0/8 or ::1? False for what is no address. */
export function isLoopback(address: string): boolean {
  try {
    return isLoopbackText(parseAddress(address));
  } catch (error) {
    if (error instanceof AddressError) return false;
    throw error;
  }
}

export function isIPv6Prefix(prefix: string): boolean {
  return prefix.includes(':');
}

function parseIp(text: string): Ip {
  const raw = parseRaw(text);
  return raw instanceof ipaddr.IPv6 && raw.isIPv4MappedAddress() ? raw.toIPv4Address() : raw;
}

function parseRaw(text: string): Ip {
  // The library also takes 10.1, 0x0a000001 and octal parts, which other tools read otherwise.
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (text.includes(':') && text.length <= 45) {
    if (text.includes('%')) {
      throw new AddressError(`${text} has a zone`, 'leave out % and what follows it');
    }
    if (ipaddr.IPv6.isValid(text)) return ipaddr.IPv6.parse(text);
  }
  const shown = text.length > 64 ? `${text.slice(0, 61)}…` : text;
  const hint = /^[a-z][a-z0-9.-]*$/i.test(text)
    ? 'names are not resolved here: write its addresses'
    : 'write it as 10.0.0.1 or fd00::1';
  throw new AddressError(`${JSON.stringify(shown)} is no IP address`, hint);
}

function masked(ip: Ip, bits: number): Ip {
  const bytes = ip.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    return byte & (0xff00 >> kept) & 0xff;
  });
  return ipaddr.fromByteArray(bytes);
}

function render(network: Ip, bits: number): string {
  if (network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress() && bits >= 96) {
    return `${network.toIPv4Address().toString()}/${bits - 96}`;
  }
  return `${canonical(network)}/${bits}`;
}

function canonical(ip: Ip): string {
  return ip instanceof ipaddr.IPv6 ? ip.toRFC5952String() : ip.toString();
}
