/** Routing tables and destinations for the kernel and user space to agree on. */
import type { Route, RouteAction } from '../../src/core/target.ts';
import { addressBytes, addressText } from '../../src/kernel/address.ts';
import type { Random } from '../core/random.ts';
import type { Dial } from './dialer.ts';

const BASES = [
  '10.77.0.20',
  '10.200.13.7',
  '172.20.5.9',
  'fd77::20',
  'fd77:0:0:1::8',
  '2001:db8:1:2:3:4:5:6',
];
const LENGTHS = { 4: [0, 8, 9, 16, 20, 24, 27, 31, 32], 6: [0, 16, 31, 32, 48, 61, 64, 127, 128] } as const;
const PORTS = [0, 1, 80, 255, 256, 5432, 65_535];
const ACTIONS: readonly RouteAction[] = ['inspect', 'direct', 'deny'];

export function route(over: Partial<Route> & Pick<Route, 'id' | 'prefix'>): Route {
  return { port: 0, transport: 'tcp', action: 'direct', target: 't', decision: null, ...over };
}

function network(address: string, bits: number): string {
  const bytes = addressBytes(address);
  for (let bit = bits + (address.includes(':') ? 0 : 96); bit < 128; bit++)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) & ~(0x80 >> (bit & 7));
  const text = addressText(bytes);
  return `${text}/${bits}`;
}

/** Prefixes inside one another, with and without ports, each once; ids from `firstId`. */
export function randomTable(random: Random, firstId: number): Route[] {
  const lines = new Map<string, Omit<Route, 'id'>>();
  for (let n = 0; n < 160; n++) {
    const base = random.pick(BASES);
    const prefix = network(base, random.pick(LENGTHS[base.includes(':') ? 6 : 4]));
    const { id: _, ...line } = route({
      id: 0,
      prefix,
      port: random.pick(PORTS),
      transport: random.pick(['tcp', 'udp']),
      action: random.pick(ACTIONS),
    });
    lines.set(`${line.transport} ${line.prefix} ${line.port}`, line);
  }
  return [...lines.values()].map((line, index) => ({ id: firstId + index, ...line }));
}

/** In, at the edge of and outside of those prefixes; each once. */
export function randomDials(random: Random, count: number): Dial[] {
  const dials = new Map<string, Dial>();
  while (dials.size < count) {
    const base = random.pick(BASES);
    const bytes = addressBytes(base);
    const first = base.includes(':') ? 15 : 104;
    if (random.below(4) > 0) {
      const bit = first + random.below(128 - first);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
    }
    const dial: Dial = {
      transport: random.pick(['tcp', 'udp']),
      address: addressText(bytes),
      port: random.pick([...PORTS.slice(1), 257, 81]),
    };
    dials.set(`${dial.transport} ${dial.address} ${dial.port}`, dial);
  }
  return [...dials.values()];
}
