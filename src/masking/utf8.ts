/** Characters (code points) of UTF-8, counted in bytes that may be anything. */
function continues(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** @returns where the character after `at` begins, at most `end` */
export function next(bytes: Uint8Array, at: number, end = bytes.length): number {
  let to = at + 1;
  while (to < end && continues(bytes[to])) to += 1;
  return Math.min(to, end);
}

/** @returns where the character before `at` begins, at least `start` */
export function previous(bytes: Uint8Array, at: number, start = 0): number {
  let to = at - 1;
  while (to > start && continues(bytes[to])) to -= 1;
  return Math.max(to, start);
}

/** @returns where `count` characters from `start` end, or -1 where there are fewer */
export function skip(bytes: Uint8Array, start: number, end: number, count: number): number {
  let at = start;
  for (let n = 0; n < count; n++) {
    if (at >= end) return -1;
    at = next(bytes, at, end);
  }
  return at;
}

/** At most the first `limit` characters: the same bytes where they are no more. */
export function cut(bytes: Buffer, limit: number): Buffer {
  if (bytes.length <= limit) return bytes;
  const end = skip(bytes, 0, bytes.length, limit);
  return end < 0 || end === bytes.length ? bytes : bytes.subarray(0, end);
}
