/** UTF-16 code units of folded text. Beyond its end, `charCodeAt` is NaN, which is none of these. */

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

export function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

/** Of ASCII: what a number cannot begin after or end before. `_`, and letters of other scripts, are no part of a number. */
export function isWord(code: number): boolean {
  return isDigit(code) || isLetter(code);
}

/** A space or a dash. */
export function isSeparator(code: number): boolean {
  return code === 0x20 || code === 0x2d;
}
