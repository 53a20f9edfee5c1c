import { UsageError } from './exit.ts';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A moment as a person gives it, `2h` ago or `2026-01-31T12:00` in local time, as RFC 3339. */
export function sinceOption(text: unknown, now: Date, name = '--since'): string | undefined {
  if (typeof text !== 'string') return undefined;
  const [, amount, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const millis =
    amount === undefined
      ? Date.parse(text)
      : now.getTime() - Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  if (Number.isNaN(millis)) {
    throw new UsageError(
      `${name}: "${text}" is neither an age (90s, 15m, 2h, 7d) nor a time (2026-01-31T12:00)`,
    );
  }
  return new Date(millis).toISOString();
}

export function textOption(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

export function numberOption(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
