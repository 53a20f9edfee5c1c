/** Values of the text format, with and without escapes (CopyAttributeOutText, CopyReadAttributesText). */
import type { CharacterLength } from './encodings.ts';
import { BACKSLASH } from './marks.ts';
import type { Output } from './output.ts';

const LETTERS = Buffer.from('bfnrtv');
const CONTROLS = Buffer.from('\b\f\n\r\t\v');
const X = 0x78;
/** Indexed by byte: what stands after the backslash; 0 for what needs none. */
const ESCAPES = new Uint8Array(256);
/** Indexed by the letter after a backslash: the byte that it means; every other stands for itself. */
const MEANINGS = Uint8Array.from({ length: 256 }, (_, byte) => byte);
LETTERS.forEach((letter, at) => {
  const control = CONTROLS[at] as number;
  ESCAPES[control] = letter;
  MEANINGS[letter] = control;
});
ESCAPES[BACKSLASH] = BACKSLASH;

export function textEscape(
  value: Buffer,
  delimiter: number,
  characterLength: CharacterLength | null,
  out: Output,
): void {
  let from = 0;
  for (let at = 0; at < value.length; at++) {
    const byte = value[at] as number;
    if (byte >= 0x80) {
      if (characterLength !== null) at += characterLength(value, at) - 1;
      continue;
    }
    const letter = byte === delimiter ? ESCAPES[byte] || byte : (ESCAPES[byte] as number);
    if (letter === 0) continue;
    if (at > from) out.put(value.subarray(from, at));
    out.byte(BACKSLASH);
    out.byte(letter);
    from = at + 1;
  }
  if (from === 0) out.put(value);
  else if (from < value.length) out.put(value.subarray(from));
}

/** The value of a field in which every backslash stands before another byte. */
export function unescaped(
  bytes: Buffer,
  start: number,
  end: number,
  characterLength: CharacterLength | null,
): Buffer {
  const value = Buffer.allocUnsafe(end - start);
  let length = 0;
  for (let at = start; at < end; ) {
    const byte = bytes[at] as number;
    if (byte === BACKSLASH) {
      const next = bytes[at + 1] as number;
      const [radix, from, most] = next === X ? [16, at + 2, 2] : [8, at + 1, 3];
      const to = digitsEnd(bytes, from, Math.min(end, from + most), radix);
      // The server writes no numbers, and COPY FROM reads them.
      const number = to > from ? Number.parseInt(bytes.toString('latin1', from, to), radix) : null;
      value[length++] = number ?? (MEANINGS[next] as number);
      at = number === null ? at + 2 : to;
    } else {
      const wide = byte >= 0x80 && characterLength !== null ? characterLength(bytes, at) : 1;
      length += bytes.copy(value, length, at, Math.min(at + wide, end));
      at += wide;
    }
  }
  return value.subarray(0, length);
}

function digitsEnd(bytes: Buffer, start: number, end: number, radix: number): number {
  let at = start;
  while (at < end && !Number.isNaN(Number.parseInt(String.fromCharCode(bytes[at] as number), radix))) at += 1;
  return at;
}
