/** A UUID in place of another: version 8 (RFC 9562 5.8), its bits from the keyed hash of the other. */
import type { MaskKey } from './key.ts';

const CANONICAL = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const BYTES = 16;

/** @returns 16 bytes, the same for the same value under one key */
export function maskUuidBytes(value: Uint8Array, key: MaskKey): Buffer | null {
  if (value.length !== BYTES) return null;
  const masked = key.derive('uuid', value).subarray(0, BYTES);
  masked[6] = ((masked[6] as number) & 0x0f) | 0x80;
  masked[8] = ((masked[8] as number) & 0x3f) | 0x80;
  return masked;
}

/** The same in the server's text format; null where `value` is not in that. */
export function maskUuid(value: Buffer, key: MaskKey): Buffer | null {
  const text = value.toString('latin1');
  if (!CANONICAL.test(text)) return null;
  const masked = maskUuidBytes(Buffer.from(text.replaceAll('-', ''), 'hex'), key)?.toString('hex');
  if (masked === undefined) return null;
  const groups = [
    masked.slice(0, 8),
    masked.slice(8, 12),
    masked.slice(12, 16),
    masked.slice(16, 20),
    masked.slice(20),
  ];
  return Buffer.from(groups.join('-'), 'latin1');
}
