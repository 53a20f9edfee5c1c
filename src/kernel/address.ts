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
 * @throws RangeError where the text is no address
 */
export function addressBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const tail = /(?:^|:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (!text.includes(':')) {
    if (!tail) throw new RangeError(`not an address: ${text}`);
    bytes.set([0xff, 0xff, Number(tail[1]), Number(tail[2]), Number(tail[3]), Number(tail[4])], 10);
    return bytes;
  }
  const hex = tail
    ? text.slice(0, tail.index + 1) +
      [tail[1], tail[3]]
        .map((_, index) => ((Number(tail[1 + index * 2]) << 8) | Number(tail[2 + index * 2])).toString(16))
        .join(':')
    : text;
  const [head = '', rest] = hex.split('::');
  const groupsOf = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const before = groupsOf(head);
  const after = rest === undefined ? [] : groupsOf(rest);
  const groups =
    rest === undefined
      ? before
      : [...before, ...new Array(8 - before.length - after.length).fill(0), ...after];
  if (groups.length !== 8 || groups.some((group) => !(group >= 0 && group <= 0xffff)))
    throw new RangeError(`not an address: ${text}`);
  groups.forEach((group, index) => {
    bytes[index * 2] = group >> 8;
    bytes[index * 2 + 1] = group & 0xff;
  });
  return bytes;
}

export function flowKey(client: Endpoint): HlFlowKey {
  return { addr: addressBytes(client.address), port: client.port };
}
