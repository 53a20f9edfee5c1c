/** The loop in which nearly all bytes are passed over. */

/** Above all bytes. */
export const NO_LEAD = 0x100;

/**
 * Where the first of these bytes is, or one of at least `lead`: from `start` on, before `end`.
 * @returns `end` where there is none
 */
export function seek(
  bytes: Buffer,
  start: number,
  end: number,
  first: number,
  second: number,
  third: number,
  lead: number,
): number {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === first || byte === second || byte === third || byte >= lead) return at;
  }
  return end;
}
