import t from 'tap';
import { fold, foldCode, LEFT_OUT } from '../../src/masking/detectors/fold.ts';
import { ALL, only } from './support.ts';

/** Every code point that is written for another, and what it is written for. */
const FOLDED: readonly (readonly [string, string])[] = Array.from(
  { length: 0x110000 - 0x80 },
  (_, n) => n + 0x80,
)
  .filter((code) => foldCode(code) !== code)
  .map((code) => [
    String.fromCodePoint(code),
    foldCode(code) === LEFT_OUT ? '' : String.fromCharCode(foldCode(code)),
  ]);

t.test('every character alone', async (t) => {
  const wrong: string[] = [];
  for (let code = 1; code < 0x110000; code++) {
    const character = String.fromCodePoint(code);
    const to = code < 0x80 ? code : foldCode(code);
    const expected = to === code ? character : to === LEFT_OUT ? '' : String.fromCharCode(to);
    if (fold(character).text !== expected) wrong.push(code.toString(16));
  }
  t.strictSame(wrong, []);
  t.equal(FOLDED.length, 94 + 40 + 50 + 22 + 10 + 15 + 16, 'as many as fold.ts lists');
});

t.test('digits are those of Unicode', async (t) => {
  for (const [character, ascii] of FOLDED) {
    if (!/^\d$/.test(ascii)) continue;
    if (!/^\p{Nd}$/u.test(character)) t.fail(`${character} is no digit`);
    if (character.normalize('NFKC') !== character && character.normalize('NFKC') !== ascii)
      t.fail(`${character} is not ${ascii}`);
  }
  t.pass();
});

t.test('places lead back to the original', async (t) => {
  const { text, places } = fold('a\u200b🙂４\u00ad\u00ad𝟗b\u200b');
  t.equal(text, 'a🙂49b');
  t.strictSame([...(places ?? [])].slice(0, text.length + 1), [0, 2, 3, 4, 7, 9, 11]);
  t.strictSame(fold('plain é🙂'), { text: 'plain é🙂', places: null });
  t.strictSame(fold('\u0000\u200b').text, '\u0000', 'a NUL is no character of no width');
});

t.test('what is folded is found, and the prefilter sees it', async (t) => {
  const texts = (character: string, ascii: string): readonly string[] => {
    const replaced = (value: string) => value.replaceAll(ascii, character);
    if (ascii === '')
      return ['4111x111111111111', 'DExx89370400440532013000', 'alice@exxample.com'].map((text) =>
        text.replace(/x+/, character),
      );
    return [
      '4111 1111-1111 1111',
      '+49 30 901820',
      'a@b.example',
      'DE89 3704 0044 0532 0130 00',
      '3530111333300000',
      'GB29NWBK60161331926819',
    ]
      .filter((value) => value.includes(ascii))
      .map(replaced);
  };
  let seen = 0;
  for (const [character, ascii] of FOLDED) {
    for (const text of texts(character, ascii)) {
      if (ALL.find(text).length === 0)
        t.fail(`nothing in ${text} (U+${character.codePointAt(0)?.toString(16)})`);
      if (!ALL.mayContain(Buffer.from(text))) t.fail(`the prefilter sees nothing in ${text}`);
      seen += 1;
    }
  }
  t.ok(seen > 200, `${seen} texts`);
  t.ok(only('card').mayContain(Buffer.from('４'.repeat(13))));
});
