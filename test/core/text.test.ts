import t from 'tap';
import { commandLine, fit, printable, shellWord, textWidth } from '../../src/core/text.ts';

t.test('what does not show as itself is written as an escape', async (t) => {
  const cases: [string, string][] = [
    ['plain ü 漢字 🙂 e\u0301', 'plain ü 漢字 🙂 e\u0301'],
    ['a\nb\tc\rd', 'a\\nb\\tc\\rd'],
    ['\u001b[2J\u001b]0;title\u0007', '\\e[2J\\e]0;title\\x07'],
    ['\u009b31m \u007f', '\\x9b31m \\x7f'],
    ['safe\u202egpj.exe', 'safe\\u202egpj.exe'],
    ['a\u2066b\u2069\u200b\u200d\ufeff', 'a\\u2066b\\u2069\\u200b\\u200d\\ufeff'],
    ['line\u2028sep\u2029', 'line\\u2028sep\\u2029'],
    ['half \ud800 pair \udc00', 'half \\ud800 pair \\udc00'],
    ['tag \u{e0041} private \ue000 none \uffff', 'tag \\U000e0041 private \\ue000 none \\uffff'],
    ['\u0000', '\\x00'],
  ];
  for (const [raw, shown] of cases) t.equal(printable(raw), shown);
});

const ACTED_ON = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]/u;

t.test('nothing that a terminal acts on is left, whatever the bytes', async (t) => {
  const through: string[] = [];
  for (let code = 0; code < 0x10000; code++) {
    const shown = printable(String.fromCharCode(code));
    if (ACTED_ON.test(shown)) {
      through.push(code.toString(16));
    }
  }
  t.strictSame(through, []);
});

t.test('an argument as a shell would take it', async (t) => {
  t.equal(shellWord('-h'), '-h');
  t.equal(shellWord('/usr/bin/größe'), '/usr/bin/größe');
  t.equal(shellWord(''), "''");
  t.equal(shellWord('two words'), "'two words'");
  t.equal(shellWord("it's"), "'it'\\''s'");
  t.equal(shellWord('a;rm -rf'), "'a;rm -rf'");
  t.equal(shellWord("a\nb'c\\d"), "$'a\\nb\\'c\\\\d'");
});

t.test('a megabyte of argv costs no more than what is shown of it', async (t) => {
  const line = commandLine(['sh', 'x'.repeat(1 << 20), ...Array(100_000).fill('y')], 40);
  t.ok(line.length < 60, line);
  t.equal(commandLine(['a', 'b c'], 100), "a 'b c'");
});

t.test('columns, not characters', async (t) => {
  t.equal(textWidth('漢字'), 4);
  t.equal(textWidth('e\u0301'), 1);
  t.equal(textWidth('🙂'), 2);
  t.equal(fit('abcdef', 6), 'abcdef');
  t.equal(fit('abcdef', 5), 'abcd…');
  t.equal(fit('漢字漢字', 5), '漢字…');
  t.equal(fit('漢字漢字', 4), '漢…');
  t.equal(fit('abc', 0), '');
});
