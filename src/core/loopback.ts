/** @param address canonical: IPv4 dotted, or IPv6 as RFC 5952 writes it */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
