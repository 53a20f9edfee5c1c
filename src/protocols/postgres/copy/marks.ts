/** Bytes with a meaning in the text and CSV formats. */
export const LF = 0x0a;
export const CR = 0x0d;
export const BACKSLASH = 0x5c;
export const DOT = 0x2e;
