const SCALES: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const LONGEST_MS = 86_400_000;

export const A_DURATION = 'a duration such as 250ms, 10s, 5m or 1h, at most 24h';

/** @returns milliseconds; else what is wrong with it */
export function parseDuration(text: string): number | string {
  const [, digits, unit = ''] = /^(\d{1,9})(ms|s|m|h)$/.exec(text) ?? [];
  const scale = SCALES[unit];
  if (scale === undefined) return 'is no duration';
  const total = Number(digits) * scale;
  return total > 0 && total <= LONGEST_MS ? total : 'is out of range';
}
