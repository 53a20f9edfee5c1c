import t from 'tap';
import { chainOf } from '../../src/attribution/chain.ts';
import type { Image } from '../../src/attribution/image.ts';
import { Images, splitArgv } from '../../src/attribution/images.ts';
import { labelOf } from '../../src/attribution/label.ts';
import { idFromBigInt } from '../../src/core/ids.ts';
import type { Process } from '../../src/core/types.ts';
import { HL_ARGV_MAX } from '../../src/kernel/layouts.generated.ts';
import { Random } from '../core/random.ts';
import { type Executed, exec, exit, key, LAUNCHER, PID, ROOT, who } from './events.ts';

const LOGIN = idFromBigInt(ROOT);
const no = () => false;
const PLUMBING = new Set(['sshd', 'sshd-session', 'cron']);

function images(recorded: (image: number) => readonly Process[] = () => []): Images {
  return new Images({
    plumbing: PLUMBING,
    launcher: LAUNCHER,
    argvBytes: 4096,
    recorded: (_login, _key, image) => recorded(image),
  });
}

/** The images of these programs, each executed by a process below the one before. */
function chain(at: Images, programs: readonly (string | Executed)[]): Image[] {
  return programs.map((program, n) =>
    at.exec(exec(n, typeof program === 'string' ? { name: program } : program), LOGIN, n, no),
  );
}

t.test('labels', async (t) => {
  const cases: [label: string, name: string, filename: string, argv: string][] = [
    ['psql', 'psql', '/usr/bin/psql', 'psql -h db'],
    ['psql', 'psql', '/usr/bin/psql', 'bash x.sh'],
    ['bash', 'bash', '/bin/bash', '-bash'],
    ['bash deploy.sh', 'bash', '/bin/bash', 'bash -x deploy.sh prod'],
    ['bash run', 'bash', '/bin/bash', 'bash ./run'],
    ['dash', 'dash', '/bin/sh', 'sh -c ./x.sh'],
    ['bash', 'bash', '/bin/bash', 'bash --login -c /opt/x.sh'],
    ['bash', 'bash', '/bin/bash', 'bash -lc /opt/x.sh'],
    ['bash word', 'bash', '/usr/local/bin/word', 'bash word'],
    ['bash', 'bash', '/bin/bash', 'bash word'],
    ['python3.11 etl.py', 'python3.11', '/usr/bin/python3', 'python3 -u /srv/etl.py --day 1'],
    ['python3 etl', 'python3', '/srv/bin/etl', '/usr/bin/python3 /srv/bin/etl'],
    ['python3', 'python3', '/usr/bin/python3', 'python3 -c import/x.py'],
    ['node app.js', 'node', '/usr/bin/node', 'node --inspect app.js'],
    ['node', 'node', '/usr/bin/node', 'node -e a/b'],
    ['node', 'node', '/usr/bin/node', 'node --eval fetch("https://me:secret@host/x")'],
    ['node', 'node', '/usr/bin/node', 'node -p a/b.js'],
    ['php', 'php8.2', '/usr/bin/php', 'php -r a/b'],
    ['perl', 'perl', '/usr/bin/perl', 'perl -wE a/b'],
    ['perl', 'perl', '/usr/bin/perl', 'perl -pe s/a/b/ x.txt'],
    ['perl x.pl', 'perl', '/usr/bin/perl', 'perl -p x.pl'],
    ['fish', 'fish', '/usr/bin/fish', 'fish --command a/b'],
    ['java app.jar', 'java', '/usr/bin/java', 'java -jar app.jar'],
    ['bash', 'bash', '', ''],
  ];
  for (const [label, name, filename, argv] of cases)
    t.equal(labelOf(name, filename, argv.split(' ')), label === 'php' ? name : label, `${name}: ${argv}`);
  t.equal(labelOf('bash', '/bin/bash', []), 'bash');
});

t.test('a chain: from the first program that is no plumbing', async (t) => {
  const cases: [programs: (string | Executed)[], expected: string[]][] = [
    [
      ['sshd', 'bash', 'psql'],
      ['bash', 'psql'],
    ],
    [['sshd', 'sshd-session', 'bash'], ['bash']],
    [
      ['sshd', 'bash', 'sshd', 'bash'],
      ['bash', 'sshd', 'bash'],
    ],
    [
      ['cron', { name: 'dash', argv: ['sh', '-c', 'x'] }, 'curl'],
      ['dash', 'curl'],
    ],
    [['sshd'], ['sshd']],
    [['bash', { name: 'psql', parent: 77 }], ['psql']],
  ];
  for (const [programs, expected] of cases)
    t.same(chainOf(chain(images(), programs).at(-1) ?? null), expected);
  t.same(chainOf(null), []);
});

t.test('what one process executes one after the other is one below the other', async (t) => {
  const at = images();
  const [bash] = chain(at, ['bash']);
  const again = at.exec(exec(0, { name: 'curl', image: 2, parent: 0 }), LOGIN, 9, no);
  t.match(again, {
    image: 2,
    parent: bash,
    pid: PID,
    key: bash?.key,
    exe: '/usr/bin/curl',
    exeVerified: false,
  });
  t.same(chainOf(again), ['bash', 'curl']);
  t.equal(at.byPid(PID), again);
  t.equal(at.live(), 1);
  t.equal(at.get(`${bash?.key}.1`), bash, 'a child may still name it');
  t.equal(at.exit(exit(0)), again);
  t.equal(at.exit(exit(0)), null, 'its exit is told once');
  t.same([at.byPid(PID), at.live()], [null, 0]);
});

t.test('a fork that executes nothing has an image of its own, once something is told of it', async (t) => {
  const at = images();
  const [bash] = chain(at, ['bash']);
  const forked = who(5, { owner: key(0), uid: 33 });
  const fork = at.of(forked, LOGIN, 4);
  t.match(fork, { image: 0, parent: bash, pid: PID + 5, ppid: PID, uid: 33, label: 'bash', stored: null });
  t.equal(at.of(forked, LOGIN, 5), fork, 'the same again');
  t.same(chainOf(fork), ['bash'], 'and no program of its own');
  t.equal(at.of(who(0), LOGIN, 5), bash, 'the owner itself');
  t.equal(at.of(who(6, { owner: key(66) }), LOGIN, 5), null, 'of an owner that is not known');
  t.equal(at.of(forked, idFromBigInt(ROOT + 256n), 5), null, 'in another login');
  const cat = at.exec(exec(5, { name: 'cat', parent: 0 }), LOGIN, 6, no);
  t.equal(cat.parent, fork, 'what it executes runs below it');
  const other = at.of(who(7, { owner: key(0) }), LOGIN, 7);
  t.equal(at.exit(exit(7)), other, 'it exits as any other');
});

t.test('an image above that is not of this login is not above', async (t) => {
  const at = images();
  const [bash] = chain(at, ['bash']);
  const elsewhere = at.exec(exec(1, { name: 'sh' }), idFromBigInt(ROOT + 256n), 1, no);
  t.equal(elsewhere.parent, null);
  t.equal(at.exec(exec(2, { name: 'ls', parent: 0 }), LOGIN, 1, no).parent, bash);
});

t.test("what sshd's privileged half executes is setup, and so is all below it", async (t) => {
  const at = images();
  at.exec(exec(0, { name: 'sshd', uid: 0 }), LOGIN, 0, no);
  const motd = at.exec(exec(1, { name: 'dash', uid: 0 }), LOGIN, 1, () => true);
  const below = at.exec(exec(2, { name: 'uname', uid: 0 }), LOGIN, 2, no);
  const shell = at.exec(exec(3, { name: 'bash', parent: 0 }), LOGIN, 3, no);
  t.match(
    [motd, below, shell],
    [
      { setup: true, plumbing: true },
      { setup: true, plumbing: true },
      { setup: false, plumbing: false },
    ],
  );
});

t.test(
  'what has exited is forgotten, oldest first, when 20,000 others have; what lives is not',
  async (t) => {
    const at = images();
    const [bash, psql] = chain(at, ['bash', 'psql']);
    at.of(who(2, { owner: key(0) }), LOGIN, 2);
    at.exec(exec(2, { name: 'cat', parent: 0 }), LOGIN, 2, no);
    at.exit(exit(1));
    const fork = `${key(2).tgid}.${key(2).startNs}.0`;
    t.ok(at.get(fork));
    const forget = (from: number, to: number) => {
      for (let n = from; n < to; n++) {
        at.of(who(n, { owner: key(0) }), LOGIN, n);
        at.exit(exit(n));
      }
    };
    forget(10, 20_008);
    t.equal(at.get(`${psql?.key}.1`), psql, 'still there after 19,998 more');
    forget(20_008, 20_010);
    t.equal(at.get(fork), null, 'forgotten: a fork that has executed something since');
    t.equal(at.get(`${psql?.key}.1`), null);
    t.equal(at.get(`${bash?.key}.1`), bash);
    t.equal(at.live(), 2);
  },
);

t.test('a parent that exited long ago is taken from the record', async (t) => {
  const row = (image: number, over: Partial<Process>): Process => ({
    ...{ id: image, login: LOGIN, parent: null, pid: PID, ppid: 1, startNs: String(key(0).startNs), image },
    ...{ exe: '/bin/bash', exeVerified: true, argv: ['bash'], argvBytes: 5, uid: 1001, started: 1 },
    ...{ exited: 2, exitCode: 0, signal: null, recovered: false },
    ...over,
  });
  const asked: number[] = [];
  const at = images((image) => {
    asked.push(image);
    return image === 2 ? [row(2, { exe: '/usr/bin/make', parent: 1 }), row(1, {})] : [];
  });
  const child = at.exec(exec(3, { name: 'cc', parent: 0, parentImage: 2 }), LOGIN, 3, no);
  t.same(chainOf(child), ['bash', 'make', 'cc']);
  t.equal(child.parent?.stored, 2);
  at.exec(exec(4, { name: 'ld', parent: 0, parentImage: 2 }), LOGIN, 3, no);
  t.same(asked, [2], 'and is known from then on');
  t.equal(at.exec(exec(5, { parent: 0, parentImage: 9 }), LOGIN, 3, no).parent, null);
});

t.test('argv as it was executed, cut and hidden', async (t) => {
  const at = new Images({ plumbing: PLUMBING, launcher: LAUNCHER, argvBytes: 10, recorded: () => [] });
  const cut = at.exec(exec(0, { name: 'x', argv: ['x', 'a b', '', 'cdefgh'] }), LOGIN, 0, no);
  t.same(cut.argv, ['x', 'a b', '', 'cde']);
  t.equal(cut.argvBytes, 14);
  const long = images().exec(exec(1, { name: 'x', argv: ['x', 'y'.repeat(6000)] }), LOGIN, 0, no);
  t.same([long.argv[1]?.length, long.argvBytes], [HL_ARGV_MAX - 2, 6003]);
  const secret = images().exec(exec(1, { name: 'x', argv: ['x', '--password', 'hunter2'] }), LOGIN, 0, no);
  t.notOk(secret.argv.join(' ').includes('hunter2'));
});

t.test('any bytes as argv: never thrown at, never longer than they are', async (t) => {
  t.same(splitArgv(Buffer.from('')), []);
  t.same(splitArgv(Buffer.from('\0')), ['']);
  t.same(splitArgv(Buffer.from('a\0\0b')), ['a', '', 'b']);
  const random = new Random(8);
  const wrong: Buffer[] = [];
  let longest = 0;
  for (let n = 0; n < 500; n++) {
    const raw = random.bytes(random.below(600)).map((byte) => (byte < 20 ? 0 : byte));
    const parts = splitArgv(raw);
    const nuls = raw.filter((byte) => byte === 0).length;
    const label = labelOf('bash', parts[0] ?? '', parts);
    const bounded = parts.length <= nuls + 1 && parts.join('').length <= raw.length - nuls;
    if (!bounded || parts.some((part) => part.includes('\0')) || label.length > raw.length + 5)
      wrong.push(Buffer.from(raw));
    longest = Math.max(longest, parts.length);
  }
  t.same(wrong, []);
  t.ok(longest > 10);
});
