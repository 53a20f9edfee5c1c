/** What of a person's typing is kept: what the screen showed. */
import t from 'tap';
import { Echo } from '../../../src/protocols/ssh/recorded/echo.ts';

type Step = { readonly type: string } | { readonly screen: string } | { readonly wait: true };

/** @returns what is kept, with `<n>` for n bytes that are not */
function kept(...steps: readonly Step[]): string {
  let out = '';
  const echo = new Echo({
    shown: (bytes) => {
      out += bytes.toString('latin1');
    },
    withheld: (count) => {
      out += `<${count}>`;
    },
  });
  for (const step of steps) {
    if ('type' in step) echo.typed(Buffer.from(step.type, 'latin1'));
    else if ('screen' in step) echo.given(Buffer.from(step.screen, 'latin1'));
    else echo.over();
  }
  echo.over();
  return out;
}
const type = (text: string): Step => ({ type: text });
const screen = (text: string): Step => ({ screen: text });
const ESC = '\u001b';

t.test('a line that is echoed', async (t) => {
  t.equal(
    kept(type('l'), screen('l'), type('s'), screen('s'), type('\r'), screen('\r\nfile\r\n$ ')),
    'ls\r',
    'key by key',
  );
  t.equal(kept(type('ls -l\r'), screen('ls -l\r\nfile\r\n')), 'ls -l\r', 'at once');
  t.equal(kept(type('ls -l\r'), screen('ls'), screen(' -l\r\n')), 'ls -l\r', 'in two pieces');
  t.equal(kept(type('\u00c3\u00a9'), screen('\u00c3\u00a9')), '\u00c3\u00a9', 'in UTF-8');
  t.equal(kept(type('ls'), screen(`${ESC}[1m${ESC}[31ml${ESC}[32ms${ESC}[0m`)), 'ls', 'coloured');
});

t.test('a password', async (t) => {
  t.equal(kept(screen('Password: '), type('hunter2\r'), screen('\r\n$ ')), '<7>\r');
  const keys = [...'hunter2'].map(type);
  t.equal(kept(screen('Password: '), ...keys, type('\r'), screen('\r\n$ ')), '<7>\r', 'key by key');
  t.equal(kept(...keys, { wait: true }, type('\r'), screen('\r\n')), '<7>\r', 'typed slowly');
  t.equal(kept(...keys, type('\r'), screen('*******\r\n')), '<7>\r', 'with stars in its place');
  t.equal(kept(...keys, type('\r'), screen('\r\nhunter2 is wrong')), '<7>\r', 'told afterwards');
  t.equal(
    kept(type('hunter2\rwhoami\r'), screen('\r\n$ '), screen('whoami\r\nroot\r\n')),
    '<7>\rwhoami\r',
    'and what was typed ahead',
  );
  t.equal(kept(type('hunter2')), '<7>', 'at the end of the session');
  t.equal(kept(type('hunter2\u007f\u007fX\r'), screen('\r\n')), '<7>\u007f\u007f<1>\r', 'with corrections');
});

t.test('keys that say nothing', async (t) => {
  const keys = `${ESC}[A${ESC}[1;5C${ESC}OP\u0003\t\u007f${ESC}[3~`;
  t.equal(kept(type(keys)), keys, 'need nobody to show them');
  t.equal(kept(type(`a${ESC}[Db`), screen('a'), screen('b')), `a${ESC}[Db`);
  t.equal(kept(type('jjkdd'), screen(`${ESC}[5;1H`)), '<5>', 'keys of an editor do, and are not');
});

t.test('what is kept and what is not is what was typed', async (t) => {
  let seed = 5;
  const below = (most: number) => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return seed % most;
  };
  for (let n = 0; n < 2000; n++) {
    const words = ['a', 'b', '\r', `${ESC}[A`, `${ESC}`, '\u007f', '[', 'ab\r', '\u00ff'];
    let typed = 0;
    const steps = Array.from({ length: 1 + below(12) }, (): Step => {
      const word = words[below(words.length)] as string;
      if (below(3) === 0) return screen(word);
      typed += word.length;
      return type(word);
    });
    const out = kept(...steps);
    const withheld = [...out.matchAll(/<(\d+)>/g)].reduce((sum, [, count]) => sum + Number(count), 0);
    if (out.replaceAll(/<\d+>/g, '').length + withheld !== typed) t.fail(JSON.stringify({ steps, out }));
  }
  t.pass('2000 of them');
});
