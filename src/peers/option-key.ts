/** The key by which one host signs the SYN option towards another: the receiving host makes it, and can make it again. */
import { createHmac } from 'node:crypto';

const BYTES = 16;

/** @param secret of the receiving host, whose alone it is. @param host that signs */
export function optionKey(secret: Buffer, host: string): Buffer {
  return createHmac('sha256', secret).update(`hopline syn-option ${host}`).digest().subarray(0, BYTES);
}
