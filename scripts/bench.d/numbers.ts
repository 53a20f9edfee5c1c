/** Order statistics, and the load programs' output. */

/** @param share 0.5 is the median */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Lines of two numbers, each divided by `unit`. */
export function pairs(text: string, unit: number): { first: number[]; second: number[] } {
  const rows = text
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map((word) => Number(word) / unit));
  return { first: rows.map(([a]) => a ?? Number.NaN), second: rows.map(([, b]) => b ?? Number.NaN) };
}
