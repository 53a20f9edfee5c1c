/** What of a host's bytes may reach another terminal. */
import t from 'tap';
import { TerminalText } from '../../src/core/terminal-text.ts';
import { Random } from './random.ts';

const ESC = '\u001b';
/** The sequences that the first test names. */
const DRAWING = new RegExp(
  `${ESC}(?:\\[[\\d;:]*[@A-HIJKLMPSTXZ\`abdefgmrsu]|\\[\\?[\\d;]+[hl]|[78DEHM]|[()][0AB])`,
  'g',
);
const shown = (use: 'screen' | 'text', ...pieces: string[]): string => {
  const text = new TerminalText(use);
  return pieces.map((piece) => text.push(Buffer.from(piece))).join('');
};

t.test('what draws is kept on a screen, and nothing of it in text', async (t) => {
  const drawing = [
    `${ESC}[31;1mred${ESC}[0m`,
    `${ESC}[38:2::1:2:3mx`,
    `${ESC}[2J${ESC}[H${ESC}[10;20f${ESC}[K`,
    `${ESC}[?25l${ESC}[?1049h${ESC}[?1;7l`,
    `${ESC}7${ESC}8${ESC}M${ESC}(0lqqk${ESC}(B`,
    `${ESC}[5;10r${ESC}[3@${ESC}[2P${ESC}[4X`,
    'a\tb\r\nc\bd',
  ];
  for (const each of drawing) t.equal(shown('screen', each), each, JSON.stringify(each));
  t.equal(shown('text', drawing.join('')), 'redxlqqka\tb\r\ncd');
});

t.test('what makes a terminal answer, or changes more than its picture, is not', async (t) => {
  const hostile = {
    'device attributes': `${ESC}[c`,
    'device attributes, secondary': `${ESC}[>c`,
    'status and position': `${ESC}[6n`,
    title: `${ESC}]0;owned\u0007`,
    'title, ended by ST': `${ESC}]2;owned${ESC}\\`,
    clipboard: `${ESC}]52;c;cm0gLXJmIC8=\u0007`,
    'a link': `${ESC}]8;;file:///etc/passwd${ESC}\\`,
    'a device control string': `${ESC}P$q"p${ESC}\\`,
    'a report of the title': `${ESC}[21t`,
    'mouse reports': `${ESC}[?1000h${ESC}[?1006h`,
    'bracketed paste': `${ESC}[?2004h`,
    'one mode among others': `${ESC}[?25;1000h`,
    'a soft reset': `${ESC}[!p`,
    'a full reset': `${ESC}c`,
    'insert mode': `${ESC}[4h`,
    'an application command': `${ESC}_Gf=24;AAAA${ESC}\\`,
    'C1 controls': '\u009b6n\u009d0;owned\u009c',
    bell: '\u0007\u0005\u000e',
    'an intermediate byte': `${ESC}[1 q`,
  };
  for (const [name, bytes] of Object.entries(hostile)) {
    const left = shown('screen', `a${bytes}b`);
    t.notMatch(left, /\p{Cc}/u, name);
    t.ok(left.startsWith('a') && left.endsWith('b'), `${name}: ${JSON.stringify(left)}`);
    t.notMatch(left, /owned|AAAA|passwd|rm/, name);
  }
  t.equal(shown('screen', `a${ESC}]0;never ended ${'x'.repeat(1e5)}`), 'a');
});

t.test('wherever the bytes are cut', async (t) => {
  const all = Buffer.from(`é${ESC}[31m€${ESC}]0;t\u0007ü${ESC}[6n${ESC}(0q${ESC}(B\u{1f600}\r\n`);
  const whole = new TerminalText('screen').push(all);
  const random = new Random(4);
  for (let n = 0; n < 300; n++) {
    const text = new TerminalText('screen');
    let out = '';
    for (let at = 0; at < all.length; ) {
      const to = at + 1 + random.below(5);
      out += text.push(all.subarray(at, to));
      at = to;
    }
    t.equal(out, whole);
  }
});

t.test('of anything at all nothing is left that a terminal would answer', async (t) => {
  const random = new Random(11);
  const alphabet = Buffer.from(`${ESC}${ESC}[]P_(0c6n?;1hlmt\\\u0007 >!q`, 'latin1');
  for (let n = 0; n < 3000; n++) {
    const bytes = Buffer.from(
      Array.from({ length: 40 }, () => alphabet[random.below(alphabet.length)] as number),
    );
    const left = new TerminalText('screen').push(bytes);
    const rest = left.replaceAll(DRAWING, '');
    if (rest.includes(ESC)) t.fail(JSON.stringify({ bytes: bytes.toString('latin1'), left }));
  }
  t.pass('3000 of them');
});
