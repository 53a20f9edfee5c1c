/**
 * One message as bytes: `encode(readyForQuery, 'I')`. Several at once: call their functions with one Writer, and take
 * its bytes. The functions are in encode-backend.ts, encode-frontend.ts and startup.ts.
 */
import { Writer } from './writer.ts';

/** One for all: between `write` and `take` nobody else runs. */
const shared = new Writer();

/** @throws RangeError where a value cannot be written: a zero byte in a string, a list of more than 65,535 */
export function encode<Values extends readonly unknown[]>(
  write: (out: Writer, ...values: Values) => void,
  ...values: Values
): Buffer {
  write(shared, ...values);
  return shared.take();
}
