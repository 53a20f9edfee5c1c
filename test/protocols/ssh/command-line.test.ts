import { execFileSync } from 'node:child_process';
import t from 'tap';
import { splitCommand } from '../../../src/protocols/ssh/command-line.ts';
import { transferOf } from '../../../src/protocols/ssh/facts.ts';

const KNOWN = [
  'id',
  'ls -l /tmp',
  "echo 'two words' three",
  'echo "two words" "a\\"b" "c\\\\d" "e\\f"',
  'echo a\\ b c\\\\d',
  "echo ''",
  'echo "" x',
  "  spaces   'a''b'\"c\"  ",
  'echo a#b # comment',
  'echo a\\\nb',
  'echo a~b',
  'echo trailing\n\n',
  "echo 'a\nb'",
  'printf %s x=y',
];
const UNKNOWN = [
  'a; b',
  'a && b',
  'a | b',
  'a & b',
  'echo $HOME',
  'echo "$HOME"',
  'echo `id`',
  'echo $(id)',
  'a > b',
  'a < b',
  '(a)',
  'ls *',
  'ls ?',
  'ls [a]',
  'ls {a,b}',
  'ls ~',
  'A=b c',
  "echo 'open",
  'echo "open',
  'echo x\\',
  'a\nb',
  'eval id',
  '. file',
  '! a',
  'if true; then id; fi',
  '/usr/bin/eval x',
];

t.test('words as a shell splits them', async (t) => {
  for (const command of KNOWN) {
    const { words, known } = splitCommand(command);
    t.equal(known, true, command);
    // The program is replaced by one that shows what it is given.
    const shown = execFileSync('sh', [
      '-c',
      command.replace(/^\s*\w+/, 'show() { printf "%s\\0" "$@"; }; show'),
    ]).toString();
    t.strictSame(
      words.slice(1),
      shown === '\0' && words.length === 1 ? [] : shown.split('\0').slice(0, -1),
      command,
    );
  }
});

t.test('what a shell would do more is said to be unknown', async (t) => {
  for (const command of UNKNOWN) t.equal(splitCommand(command).known, false, command);
  t.equal(splitCommand('x '.repeat(10_000)).known, false);
});

t.test('what moves files', async (t) => {
  t.match(transferOf('scp -t -- /tmp/x'), { tool: 'scp', direction: 'upload', path: '/tmp/x' });
  t.match(transferOf('scp -r -p -f /etc'), { tool: 'scp', direction: 'download', path: '/etc' });
  t.match(transferOf('rsync --server -logDtpre.iLsfxCIvu . /srv/'), {
    tool: 'rsync',
    direction: 'upload',
    path: '/srv/',
  });
  t.match(transferOf('rsync --server --sender -e.LsfxCIvu . src'), { direction: 'download', path: 'src' });
  t.equal(transferOf('scp a b:c'), null);
  t.match(transferOf("git-upload-pack 'a b.git'"), { tool: 'git', direction: 'download', path: 'a b.git' });
  t.match(transferOf('git receive-pack x'), { tool: 'git', direction: 'upload', path: 'x' });
  t.equal(transferOf('git status'), null);
});
