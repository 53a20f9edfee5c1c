import { isIP } from 'node:net';
import type { Endpoint } from '../core/types.ts';
import type { HlFlowKey } from './layouts.generated.ts';

export { addressText } from '../core/address.ts';

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
