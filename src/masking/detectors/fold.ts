/**
 * Other ways to write the ASCII characters that detectors look for, made ASCII: full-width forms, the decimal digits of
 * Arabic, Persian, Devanagari and Bengali, mathematical digits, Unicode's spaces and dashes. Characters that do not show
 * (zero width, soft hyphen, bidi controls, variation selectors) are left out. Digits of other scripts and look-alike
 * letters stay as they are.
 */

const FOLDED =
  /[\u00a0\u00ad\u061c\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\u180e\u2000-\u2015\u202a-\u202f\u205f-\u2069\u2212\u3000\ufeff\uff01-\uff5e]|[\ufe00-\ufe0f]|\u034f|\ud835[\udfce-\udfff]/;

export interface Folded {
  readonly text: string;
  /** Where each code unit of `text` was, and at last the original's length; null where nothing changed place. */
  readonly places: Uint32Array | null;
}

export const SPACE = 0x20;
export const DASH = 0x2d;
/** What `foldCode` gives for a character that is left out. */
export const LEFT_OUT = 0;

/** @param code a code point that is not ASCII; itself where nothing folds it */
export function foldCode(code: number): number {
  if (code >= 0xff01 && code <= 0xff5e) return code - 0xfee0;
  if (code >= 0x2000 && code <= 0x2015) return foldPunctuation(code);
  switch (code & ~0xf) {
    case 0x0660:
    case 0x06f0:
      if ((code & 0xf) < 10) return 0x30 + (code & 0xf);
      return code;
    case 0x0960:
    case 0x09e0:
      if ((code & 0xf) >= 6) return 0x30 + (code & 0xf) - 6;
      return code;
    case 0xfe00:
      return LEFT_OUT;
  }
  if (code >= 0x1d7ce && code <= 0x1d7ff) return 0x30 + ((code - 0x1d7ce) % 10);
  switch (code) {
    case 0x00a0:
    case 0x202f:
    case 0x205f:
    case 0x3000:
      return SPACE;
    case 0x2212:
      return DASH;
    case 0x00ad:
    case 0x034f:
    case 0x061c:
    case 0x180e:
    case 0xfeff:
      return LEFT_OUT;
  }
  return (code >= 0x202a && code <= 0x202e) || (code >= 0x2060 && code <= 0x2069) ? LEFT_OUT : code;
}

/** U+2000 to U+2015: spaces, characters of no width, dashes. */
function foldPunctuation(code: number): number {
  if (code <= 0x200a) return SPACE;
  return code <= 0x200f ? LEFT_OUT : DASH;
}

export function fold(text: string): Folded {
  if (!FOLDED.test(text)) return { text, places: null };
  const units = new Uint16Array(text.length);
  const places = new Uint32Array(text.length + 1);
  let length = 0;
  for (let at = 0; at < text.length; ) {
    const code = text.codePointAt(at) as number;
    const folded = code < 0x80 ? code : foldCode(code);
    const wide = code > 0xffff;
    if (folded !== LEFT_OUT || code === 0) {
      places[length] = at;
      units[length++] = folded === code ? text.charCodeAt(at) : folded;
      if (wide && folded === code) {
        places[length] = at + 1;
        units[length++] = text.charCodeAt(at + 1);
      }
    }
    at += wide ? 2 : 1;
  }
  places[length] = text.length;
  return { text: fromUnits(units.subarray(0, length)), places };
}

function fromUnits(units: Uint16Array): string {
  return Buffer.from(units.buffer, units.byteOffset, units.byteLength).toString('utf16le');
}
