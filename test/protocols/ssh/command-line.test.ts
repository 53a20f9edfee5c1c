import { execFileSync } from 'node:child_process';
import t from 'tap';
import { splitCommand } from '../../../src/protocols/ssh/command-line.ts';
import { transfersOf } from '../../../src/protocols/ssh/transfers.ts';

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
  const of = (command: string) =>
    transfersOf(command).map(
      ({ tool, operation, direction, path }) => `${tool} ${operation} ${direction} ${path}`,
    );
  t.strictSame(of('scp -t -- /tmp/x'), ['scp write upload /tmp/x']);
  t.strictSame(of('scp -r -p -f /etc'), ['scp read download /etc']);
  t.strictSame(of('rsync --server -logDtpre.iLsfxCIvu . /srv/'), ['rsync write upload /srv/']);
  t.strictSame(of('rsync --server --sender -e.LsfxCIvu . src'), ['rsync read download src']);
  t.strictSame(of('rsync --server --sender -e.LsfxCIvu .'), ['rsync read download .']);
  t.strictSame(of("git-upload-pack 'a b.git'"), ['git read download a b.git']);
  t.strictSame(of('git receive-pack x'), ['git write upload x']);
  t.strictSame(of('/usr/lib/openssh/sftp-server'), ['sftp session none ']);
  for (const other of ['scp a b:c', 'git status', 'rsync a b:c', '']) t.strictSame(of(other), [], other);
});

t.test('each of several paths is moved', async (t) => {
  const paths = (command: string) => transfersOf(command).map(({ path }) => path);
  t.strictSame(paths('scp -f /a /b /a'), ['/a', '/b']);
  t.strictSame(paths('scp -f -- -a "b c"'), ['-a', 'b c']);
  t.strictSame(paths('rsync --server --sender -e.LsfxCIvu . /a /b .'), ['/a', '/b', '.']);
  t.strictSame(paths('rsync --server --sender /tmp a'), ['/tmp', 'a']);
  t.equal(
    paths(`rsync --server --sender . ${Array.from({ length: 3000 }, (_, n) => n).join(' ')}`).length,
    3000,
  );
});

t.test('arguments are read as the program reads them', async (t) => {
  const of = (command: string) =>
    transfersOf(command).map(({ operation, direction, path }) => `${operation} ${direction} ${path}`);
  const cases: readonly [string, readonly string[]][] = [
    ['rsync --server --sender -r /etc .', ['read download /etc', 'read download .']],
    [
      'rsync --server --sender -r /etc . /data/x',
      ['/etc', '.', '/data/x'].map((path) => `read download ${path}`),
    ],
    [
      'rsync --server -logDtpre.iLsfxCIvu . -- /data/ --sender',
      ['write upload /data/', 'write upload --sender'],
    ],
    ['rsync --server --suffix --sender . /data/', ['write upload /data/']],
    ['rsync /a --server . --sender', ['read download /a', 'read download .']],
    [
      'rsync --server -be.LsfxCIvu --backup-dir /etc/cron.d --partial-dir=.p . /data/',
      ['write upload /data/', 'write upload /etc/cron.d', 'write upload .p'],
    ],
    ['rsync --server --sender --log-file=/x . /a', ['read download /a', 'write upload /x']],
    ['rsync --server --sender -T /t -e . . /a', ['read download /a', 'write upload /t']],
    ['rsync --server --sender --remove-source-files . /a', ['read download /a', 'remove none /a']],
    ['rsync --server --sender --files-from - . /a', ['read download ', 'read download /a']],
    ['scp -ft /etc/shadow', ['read download /etc/shadow']],
    ['scp -f -- -t /etc/shadow', ['read download -t', 'read download /etc/shadow']],
    [
      'scp -f /data/x -x/../../../etc/shadow',
      ['read download /data/x', 'read download -x/../../../etc/shadow'],
    ],
    ['scp -o t -f /a', ['read download /a']],
    ['scp -t', ['write upload ']],
    ['git-upload-pack /srv/secret.git --strict', ['read download /srv/secret.git']],
    ['git-upload-pack --timeout 5 a.git', ['read download a.git']],
    ['git-upload-pack --tim 5 a.git', ['read download ', 'read download 5', 'read download a.git']],
    ['git -C /srv upload-pack secret.git', ['read download ', 'read download secret.git']],
    ['sudo -n rsync --server --sender -e.LsfxCIvu . /root/', ['read download /root/']],
    ['env A=b git receive-pack x', ['write upload x']],
    ['sudo ls rsync', []],
    ['git log upload-pack', []],
  ];
  for (const [command, expected] of cases) t.strictSame(of(command), expected, command);
});

t.test('a path that the host is told later is none that is known', async (t) => {
  const of = (command: string) => transfersOf(command).map(({ direction, path }) => `${direction} ${path}`);
  t.strictSame(of('rsync --server --sender -sre.LsfxCIvu'), ['download ']);
  t.strictSame(of('rsync --server --secluded-args'), ['upload ']);
  t.strictSame(of('rsync --server --sender -B s -s . /a'), ['download ', 'download /a']);
  t.strictSame(of('rsync --server --daemon .'), ['upload ', 'download ']);
});
