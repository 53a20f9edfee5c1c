import pc from 'picocolors';

export type Colors = ReturnType<typeof pc.createColors>;

/** The characters that are drawn with; the ASCII set says the same with what every terminal has. */
export interface Glyphs {
  readonly branch: string;
  readonly last: string;
  readonly line: string;
  readonly gap: string;
  readonly hop: string;
  readonly out: string;
  readonly in: string;
  readonly times: string;
  readonly up: string;
  readonly down: string;
  readonly dash: string;
  readonly chain: string;
  readonly yes: string;
  readonly no: string;
}

const UNICODE: Glyphs = {
  branch: '├─ ',
  last: '└─ ',
  line: '│  ',
  gap: '   ',
  hop: '→',
  out: '⇢',
  in: '⇠',
  times: '×',
  up: '↑',
  down: '↓',
  dash: '–',
  chain: '›',
  yes: '✓',
  no: '✗',
};

const ASCII: Glyphs = {
  branch: '|- ',
  last: '`- ',
  line: '|  ',
  gap: '   ',
  hop: '->',
  out: '~>',
  in: '<~',
  times: 'x',
  up: 'up ',
  down: 'down ',
  dash: '-',
  chain: '>',
  yes: 'ok',
  no: 'NO',
};

export interface Style {
  readonly colors: Colors;
  readonly glyphs: Glyphs;
  /** Columns of the terminal; null where there is none, and lines are as long as they are. */
  readonly columns: number | null;
  readonly now: Date;
}

export interface StyleWishes {
  readonly tty: boolean;
  readonly columns: number | undefined;
  readonly color: boolean;
  readonly ascii: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now?: Date;
}

/** Colour on a terminal only, and not where NO_COLOR (no-color.org), TERM=dumb or --no-color say otherwise. */
export function styleFor(wishes: StyleWishes): Style {
  const { tty, columns, color, ascii, env, now = new Date() } = wishes;
  const dumb = env.TERM === 'dumb';
  return {
    colors: pc.createColors(tty && color && !dumb && (env.NO_COLOR ?? '') === ''),
    glyphs: ascii || (tty && (dumb || !speaksUnicode(env))) ? ASCII : UNICODE,
    columns: tty ? Math.max(columns ?? 80, 40) : null,
    now,
  };
}

function speaksUnicode(env: StyleWishes['env']): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return locale === '' || /utf-?8/i.test(locale);
}
