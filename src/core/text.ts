/**
 * Text that strangers wrote (an argv, a path, a name from DNS) on its way to a terminal. Threat: escape sequences
 * that rewrite what is on the screen, newlines that forge a line, bidi overrides that show it in another order.
 */

// Control, format (bidi, zero width, tags), surrogate, private use, unassigned, line and paragraph separators.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;
/** Nearly everything: spares the large tables behind the classes above. */
const ASCII = /^[ -~]*$/;
const EVERY_UNPRINTABLE = new RegExp(UNPRINTABLE.source, 'gu');
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\u001b': '\\e' };
/** What a shell takes as it stands. */
const PLAIN_ASCII = /^[A-Za-z0-9_@%+=:,./~^-]+$/;
const PLAIN_WORD = /^[\p{L}\p{N}_@%+=:,./~^-]+$/u;

function escapeChar(char: string): string {
  const named = NAMED[char];
  if (named !== undefined) return named;
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

/** The text with everything that does not show as itself written as an escape: `\n`, `\e`, `\u202e`. */
export function printable(text: string): string {
  if (ASCII.test(text)) return text;
  return UNPRINTABLE.test(text) ? text.replace(EVERY_UNPRINTABLE, escapeChar) : text;
}

/** One argument as bash would take it, in printable characters only: `plain`, `'two words'`, `$'a\nb'`. */
export function shellWord(word: string): string {
  if (PLAIN_ASCII.test(word) || PLAIN_WORD.test(word)) return word;
  if (UNPRINTABLE.test(word)) return `$'${printable(word.replace(/[\\']/g, '\\$&'))}'`;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command line that can be read back: the arguments by `shellWord`, until `limit` characters are there. */
export function commandLine(argv: readonly string[], limit = 100_000): string {
  let line = '';
  for (const word of argv) {
    if (line.length >= limit) return `${line} …`;
    const room = limit - line.length;
    const part = shellWord(word.length > room ? `${word.slice(0, room).toWellFormed()}…` : word);
    line = line === '' ? part : `${line} ${part}`;
  }
  return line;
}

const MARK = /^\p{M}$/u;
const EMOJI = /^\p{Emoji_Presentation}$/u;
/** East Asian Wide and Fullwidth (UAX #11), by block. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18cd5],
  [0x1b000, 0x1b2fb],
  [0x20000, 0x3fffd],
];

function charWidth(char: string): number {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (MARK.test(char)) return 0;
  return EMOJI.test(char) || WIDE.some(([from, to]) => code >= from && code <= to) ? 2 : 1;
}

/** Columns that printable text takes on a terminal. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** Printable text cut to at most `columns`, the last of them `…` where something is missing. */
export function fit(text: string, columns: number): string {
  if (text.length <= columns && textWidth(text) <= columns) return text;
  let width = 0;
  let kept = '';
  for (const char of text) {
    const next = width + charWidth(char);
    if (next > columns) {
      const characters = [...kept];
      while (characters.length > 0 && textWidth(characters.join('')) > columns - 1) characters.pop();
      return columns > 0 ? `${characters.join('')}…` : '';
    }
    width = next;
    kept += char;
  }
  return kept;
}
