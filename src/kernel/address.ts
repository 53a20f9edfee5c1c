import { isIP } from 'node:net';
import type { Endpoint } from '../core/types.ts';
import type { HlFlowKey } from './layouts.generated.ts';

/** Text of a 16-byte address: IPv4 dotted where mapped, else RFC 5952. */
export function addressText(bytes: Uint8Array): string {
  if (isMapped(bytes)) return `${bytes[12]}.${bytes[13]}.${bytes[14]}.${bytes[15]}`;
  const groups = Array.from(
    { length: 8 },
    (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0),
  );
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let length = 0;
    while (at + length < 8 && groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(':');
  if (best.at < 0) return text(groups);
  return `${text(groups.slice(0, best.at))}::${text(groups.slice(best.at + best.length))}`;
}

function isMapped(bytes: Uint8Array): boolean {
  for (let at = 0; at < 10; at++) if (bytes[at] !== 0) return false;
  return bytes[10] === 0xff && bytes[11] === 0xff;
}

/**
 * The 16 bytes of an address; IPv4 becomes mapped.
 * @throws RangeError where the text is no address, or one with a zone
 */
export function addressBytes(text: string): Uint8Array {
  const family = text.includes('%') ? 0 : isIP(text);
  if (family === 0) throw new RangeError(`not an address: ${text}`);
  const bytes = new Uint8Array(16);
  if (family === 4) {
    bytes.set([0xff, 0xff, ...text.split('.').map(Number)], 10);
    return bytes;
  }
  const [head = '', rest] = text.split('::');
  const before = groupsOf(head);
  const after = groupsOf(rest ?? '');
  const groups = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  groups.forEach((group, index) => {
    bytes[index * 2] = group >> 8;
    bytes[index * 2 + 1] = group & 0xff;
  });
  return bytes;
}

function groupsOf(part: string): number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

export function flowKey(client: Endpoint): HlFlowKey {
  return { addr: addressBytes(client.address), port: client.port };
}
