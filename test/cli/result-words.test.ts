import t from 'tap';
import { resultWords } from '../../src/cli/result-words.ts';

const sha256 = 'ab'.repeat(32);

t.test('how it ended, and what was moved', async (t) => {
  const cases: [Record<string, unknown>, string[]][] = [
    [{ exitStatus: 0, bytesUp: 1, bytesDown: 2 }, ['exit 0']],
    [{ exitSignal: 'TERM\u001b[31m' }, ['signal TERM\\e[31m']],
    [{ bytes: 151_344, sha256 }, [`151 kB SHA-256 ${sha256}`]],
    [{ bytes: 10, ordered: false }, ['10 B']],
    [
      { exitStatus: 3, stdout: { bytes: 3e6, sha256, kept: 1 }, stderr: { bytes: 2e6, sha256, kept: 1 } },
      ['exit 3', `stdout 3 MB SHA-256 ${sha256}`, `stderr 2 MB SHA-256 ${sha256}`],
    ],
    [{ error: 'not closed', bytes: 10, sha256 }, ['not closed', `10 B SHA-256 ${sha256}`]],
    [{ error: { code: '42P01', message: 'no such "table"' } }, ['ERROR 42P01: no such "table"']],
    [{ tag: 'SELECT 3', rows: 3 }, ['SELECT 3']],
    [{ stdout: 'nonsense', stderr: null, bytes: 'many' }, []],
  ];
  for (const [result, words] of cases) t.same(resultWords(result, true), words, JSON.stringify(result));
  t.same(resultWords({ bytes: 1, sha256 }, false), [`1 B SHA-256 ${sha256.slice(0, 16)}…`]);
});
