/**
 * Checks on what a process of ours says that reads hostile bytes: each field is what it has to be, or there is no
 * message.
 */
import type { Endpoint } from './types.ts';

/** Longer than any address is. */
const ADDRESS_LIMIT = 64;

export function record(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : null;
}

export function endpoint(value: unknown): Endpoint | null {
  const e = record(value);
  if (e === null || !text(e.address, ADDRESS_LIMIT)) return null;
  return count(e.port) && e.port <= 65_535 ? { address: e.address, port: e.port } : null;
}

/** A whole number from 0 on that a double holds exactly. */
export function count(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** @param limit UTF-16 code units */
export function text(value: unknown, limit: number): value is string {
  return typeof value === 'string' && value.length <= limit;
}
