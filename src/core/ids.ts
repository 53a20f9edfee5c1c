const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 12;

/**
 * Crockford base32 text of a kernel-minted number: microseconds since the Unix epoch in the high
 * bits and the minting CPU in the low eight, so ids sort by time of minting.
 * @param value non-negative, below 2^60
 */
export function idFromBigInt(value: bigint): string {
  if (value < 0n || value >= 1n << 60n) throw new RangeError(`not an id: ${value}`);
  const high = Number(value >> 30n);
  const low = Number(value & 0x3fffffffn);
  let text = '';
  for (let shift = 25; shift >= 0; shift -= 5) text += ALPHABET[(high >>> shift) & 31];
  for (let shift = 25; shift >= 0; shift -= 5) text += ALPHABET[(low >>> shift) & 31];
  return text;
}

/**
 * The number behind an id; lower case and the letters people confuse (I, L, O) are accepted.
 * @returns null where the text is not a whole id
 */
export function bigIntFromId(text: string): bigint | null {
  const normal = normaliseId(text);
  if (normal.length !== LENGTH) return null;
  let value = 0n;
  for (const char of normal) {
    const digit = ALPHABET.indexOf(char);
    if (digit < 0) return null;
    value = value * 32n + BigInt(digit);
  }
  return value;
}

/**
 * Upper case, with I and L read as 1 and O as 0: for comparing what a person typed with an id. Letters beyond
 * ASCII stay what they are: some become two others, or an ASCII one, in upper case.
 */
export function normaliseId(text: string): string {
  return text
    .replace(/[a-z]+/g, (letters) => letters.toUpperCase())
    .replace(/[IL]/g, '1')
    .replace(/O/g, '0');
}
