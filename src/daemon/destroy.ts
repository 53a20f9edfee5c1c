import { execFile } from 'node:child_process';
import { endpointText } from '../core/address.ts';
import type { Endpoint } from '../core/types.ts';

export interface Ends {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

/** Connections that one `ss` is asked to close: more would not fit its command line and the kernel's filter. */
const AT_ONCE = 100;
const TIMEOUT_MS = 5000;

/**
 * Has the kernel close TCP connections in this network namespace (SOCK_DESTROY, by ss -K).
 * @returns those that it found and closed: not what has ended meanwhile, or is in another namespace
 * @throws Error where ss can't be run
 */
export async function destroy<T extends Ends>(connections: readonly T[]): Promise<ReadonlySet<T>> {
  const byKey = new Map(connections.map((one) => [keyOf(one), one]));
  const closed = new Set<T>();
  const all = [...byKey.values()];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    for (const key of keysIn(await ss(all.slice(at, at + AT_ONCE)))) {
      const one = byKey.get(key);
      if (one) closed.add(one);
    }
  }
  return closed;
}

function ss(connections: readonly Ends[]): Promise<string> {
  const each = connections.map(
    ({ source, destination }) => `( src ${endpointText(source)} and dst ${endpointText(destination)} )`,
  );
  const args = ['-K', '-H', '-n', '-t', each.join(' or ')];
  return new Promise((resolve, reject) => {
    execFile('ss', args, { timeout: TIMEOUT_MS, maxBuffer: 1 << 24 }, (error, out, said) => {
      if (error) reject(new Error(`ss can't close connections: ${said.trim() || error.message}`));
      else resolve(out);
    });
  });
}

/**
 * What ss says that it closed: state, two queues, local end, peer. A mapped address is IPv4 in every record, and a
 * socket bound to a device has its name behind the address.
 */
function keysIn(out: string): string[] {
  return out.split('\n').flatMap((line) => {
    const [, local, peer] = /^\S+\s+\d+\s+\d+\s+(\S+)\s+(\S+)/.exec(line) ?? [];
    return local === undefined || peer === undefined ? [] : [`${plain(local)} ${plain(peer)}`];
  });
}

function plain(end: string): string {
  return end.replace(/%[^:\]]+/, '').replace(/^\[::ffff:([\d.]+)\]/, '$1');
}

function keyOf({ source, destination }: Ends): string {
  return `${endpointText(source)} ${endpointText(destination)}`;
}
