/** The first and last characters of a value. */
import { isUtf8 } from 'node:buffer';
import { STARS } from './stars.ts';
import { previous, skip } from './utf8.ts';

/**
 * `first` characters, `***`, `last` characters. What is kept is never more than half of them, nor bytes that are no
 * UTF-8: then it is `***` alone.
 * @param value UTF-8
 */
export function maskPartial(value: Buffer, first: number, last: number): Buffer {
  const end = value.length;
  const head = skip(value, 0, end, first);
  if (head < 0) return STARS;
  let tail = end;
  for (let n = 0; n < last && tail > head; n++) tail = previous(value, tail, head);
  const hidden = skip(value, head, tail, first + last);
  if (hidden < 0) return STARS;
  if (!isUtf8(value.subarray(0, head)) || !isUtf8(value.subarray(tail))) return STARS;
  const masked = Buffer.allocUnsafe(head + STARS.length + end - tail);
  value.copy(masked, 0, 0, head);
  STARS.copy(masked, head);
  value.copy(masked, head + STARS.length, tail);
  return masked;
}
