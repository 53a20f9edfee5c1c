/** Addresses as text, the way the rest of Hopline writes them. */

export type AddressBytes = Buffer;

export function v4Text(bytes: AddressBytes): string {
  return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
}

/** RFC 5952; a mapped address is written as the IPv4 address that it maps. */
export function v6Text(bytes: AddressBytes): string {
  if (bytes.readUIntBE(0, 6) === 0 && bytes.readUIntBE(6, 4) === 0 && bytes.readUInt16BE(10) === 0xffff)
    return v4Text(bytes.subarray(12));
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  const { from, length } = longestZeros(groups);
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(':');
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`;
}

/** The first of the longest runs. */
function longestZeros(groups: readonly number[]): { from: number; length: number } {
  let best = { from: 0, length: 0 };
  let from = 0;
  for (let index = 0; index <= groups.length; index += 1) {
    if (groups[index] === 0) continue;
    if (index - from > best.length) best = { from, length: index - from };
    from = index + 1;
  }
  return best;
}
