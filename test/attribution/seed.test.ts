/** Which root each process belongs to that was there before the programs. */
import t from 'tap';
import { planSeeds, type Seed, type SeedTask } from '../../src/attribution/seed.ts';
import { HlKind, HlLineageFlag } from '../../src/kernel/layouts.generated.ts';

const UNSET = 0xffffffff;
const SELF = 900;
const { F_SPAWNER, F_INIT } = HlLineageFlag;
const SPAWNERS = new Map<string, number>([
  ['sshd', HlKind.SSH],
  ['cron', HlKind.CRON],
  ['atd', HlKind.AT],
  ['login', HlKind.CONSOLE],
]);
const KIND = Object.fromEntries(Object.entries(HlKind).map(([name, number]) => [number, name]));

/** pid, ppid, comm; then uid, audit session and command line where they matter. */
type Row = [
  pid: number,
  ppid: number,
  comm: string,
  more?: { uid?: number; session?: number; title?: string },
];

const INIT: Row = [1, 0, 'systemd'];
const LISTENER: Row = [10, 1, 'sshd', { title: 'sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups' }];
const session = (session: number, uid = 0) => ({ session, uid });

function plan(rows: readonly Row[]): Map<number, Seed> {
  const tasks = rows.map(
    ([pid, ppid, comm, { uid = 0, session = UNSET } = {}]): SeedTask => ({
      pid,
      ppid,
      comm,
      uid,
      startNs: BigInt(pid),
      loginuid: session === UNSET ? UNSET : uid,
      sessionid: session,
    }),
  );
  const titles = new Map(rows.map(([pid, , comm, more]) => [pid, more?.title ?? comm]));
  const seeds = planSeeds(tasks, { self: SELF, spawners: SPAWNERS, cmdline: (pid) => titles.get(pid) ?? '' });
  return new Map(seeds.map((seed) => [seed.task.pid, seed]));
}

/** `KIND leader` of each process, with `*` where its forks begin roots. */
function told(rows: readonly Row[]): Record<number, string> {
  const seeds = plan(rows);
  t.same([...seeds.keys()].sort(), rows.map(([pid]) => pid).sort(), 'each process has a root');
  return Object.fromEntries(
    [...seeds].map(([pid, { root, flags }]) => [
      pid,
      `${KIND[root.kind]} ${root.leader.pid}${flags & F_SPAWNER ? '*' : ''}`,
    ]),
  );
}

const cases: [name: string, rows: Row[], expected: Record<number, string>][] = [
  [
    'a listener, a session of it, and what the session runs',
    [
      INIT,
      LISTENER,
      [20, 10, 'sshd', session(3)],
      [21, 20, 'sshd', session(3, 1001)],
      [22, 21, 'bash', session(3, 1001)],
    ],
    { 1: 'SERVICE 1*', 10: 'SERVICE 10*', 20: 'SSH 20', 21: 'SSH 20', 22: 'SSH 20' },
  ],
  [
    'two sessions of one listener are two logins',
    [
      INIT,
      LISTENER,
      [20, 10, 'sshd', session(3)],
      [30, 10, 'sshd', session(4)],
      [31, 30, 'bash', session(4, 1001)],
    ],
    { 1: 'SERVICE 1*', 10: 'SERVICE 10*', 20: 'SSH 20', 30: 'SSH 30', 31: 'SSH 30' },
  ],
  [
    'sshd -i below init is a login, not a listener',
    [INIT, [20, 1, 'sshd', { title: '/usr/sbin/sshd -Di' }], [21, 20, 'bash', session(3, 1001)]],
    { 1: 'SERVICE 1*', 20: 'SSH 20', 21: 'SSH 20' },
  ],
  [
    'socket activation, by the title that sshd has given itself since',
    [INIT, [20, 1, 'sshd', { title: 'sshd: alice [priv]', session: 3 }], [21, 20, 'bash', session(3, 1001)]],
    { 1: 'SERVICE 1*', 20: 'SSH 20', 21: 'SSH 20' },
  ],
  [
    "a user's own sshd stays in the login that started it",
    [
      INIT,
      LISTENER,
      [20, 10, 'sshd', session(3)],
      [21, 20, 'bash', session(3)],
      [22, 21, 'sshd', session(3)],
      [23, 22, 'sh', session(3)],
    ],
    { 1: 'SERVICE 1*', 10: 'SERVICE 10*', 20: 'SSH 20', 21: 'SSH 20', 22: 'SSH 20', 23: 'SSH 20' },
  ],
  [
    'a program that calls itself sshd, and is not root, is none',
    [INIT, [20, 1, 'sshd', { uid: 1001 }], [21, 20, 'sh', { uid: 1001 }]],
    { 1: 'SERVICE 1*', 20: 'SERVICE 20', 21: 'SERVICE 20' },
  ],
  [
    'an orphan whose session has its sshd yet is of that login',
    [
      INIT,
      LISTENER,
      [20, 10, 'sshd', session(3)],
      [40, 1, 'tmux: server', session(3, 1001)],
      [41, 40, 'bash', session(3, 1001)],
    ],
    { 1: 'SERVICE 1*', 10: 'SERVICE 10*', 20: 'SSH 20', 40: 'SSH 20', 41: 'SSH 20' },
  ],
  [
    'an orphan whose session has no sshd any more is of nobody, all of one session together',
    [
      INIT,
      LISTENER,
      [40, 1, 'tmux: server', session(3, 1001)],
      [41, 40, 'bash', session(3, 1001)],
      [50, 1, 'sleep', session(3, 1001)],
      [60, 1, 'sleep', session(4, 1001)],
    ],
    {
      1: 'SERVICE 1*',
      10: 'SERVICE 10*',
      40: 'UNATTRIBUTED 40',
      41: 'UNATTRIBUTED 40',
      50: 'UNATTRIBUTED 40',
      60: 'UNATTRIBUTED 60',
    },
  ],
  [
    'an orphan that the list shows before its sshd',
    [INIT, [5, 1, 'nohup', session(3, 1001)], LISTENER, [20, 10, 'sshd'], [21, 20, 'sshd', session(3, 1001)]],
    { 1: 'SERVICE 1*', 5: 'SSH 20', 10: 'SERVICE 10*', 20: 'SSH 20', 21: 'SSH 20' },
  ],
  [
    'a job of cron, of at; a service; a login at the console',
    [
      INIT,
      [11, 1, 'cron'],
      [12, 11, 'cron', session(8)],
      [13, 12, 'sh', session(8)],
      [14, 1, 'atd'],
      [15, 14, 'atd'],
      [16, 1, 'nginx'],
      [17, 16, 'nginx', { uid: 33 }],
      [18, 1, 'login'],
      [19, 18, 'bash', session(9, 1001)],
    ],
    {
      ...{
        1: 'SERVICE 1*',
        11: 'SERVICE 11*',
        12: 'CRON 12*',
        13: 'CRON 13*',
        14: 'SERVICE 14*',
        15: 'AT 15*',
      },
      ...{ 16: 'SERVICE 16', 17: 'SERVICE 16', 18: 'CONSOLE 18', 19: 'CONSOLE 18' },
    },
  ],
  [
    "a person's systemd --user",
    [
      INIT,
      [30, 1, 'systemd', session(5, 1001)],
      [31, 30, 'dbus-daemon', session(5, 1001)],
      [32, 1, '(sd-pam)', session(5, 1001)],
    ],
    { 1: 'SERVICE 1*', 30: 'USER_MANAGER 30', 31: 'USER_MANAGER 30', 32: 'UNATTRIBUTED 32' },
  ],
  [
    'Hopline itself and what it has started, below sshd or not',
    [
      INIT,
      LISTENER,
      [20, 10, 'sshd', session(3)],
      [SELF, 20, 'node', session(3)],
      [901, SELF, 'node', session(3)],
      [902, 901, 'sshd'],
    ],
    {
      1: 'SERVICE 1*',
      10: 'SERVICE 10*',
      20: 'SSH 20',
      [SELF]: `SELF ${SELF}`,
      901: `SELF ${SELF}`,
      902: `SELF ${SELF}`,
    },
  ],
  [
    'a scope smaller than the machine: its oldest process from outside is its init',
    [
      [70, 2, 'init.sh'],
      [71, 70, 'sshd', { title: 'sshd: /usr/sbin/sshd [listener]' }],
      [72, 71, 'sshd'],
      [80, 3, 'bash', session(2, 1001)],
      [81, 80, 'ls', session(2, 1001)],
    ],
    { 70: 'SERVICE 70*', 71: 'SERVICE 71*', 72: 'SSH 72', 80: 'UNATTRIBUTED 80', 81: 'UNATTRIBUTED 80' },
  ],
  [
    'a scope that holds an sshd and not what started it: a listener all the same, and no init',
    [
      [71, 2, 'sshd', { title: 'sshd: /usr/sbin/sshd [listener]' }],
      [72, 71, 'sshd', session(3)],
      [80, 3, 'sh'],
    ],
    { 71: 'SERVICE 71*', 72: 'SSH 72', 80: 'SERVICE 80*' },
  ],
  ['nothing at all', [], {}],
];

t.test('each process and its root', async (t) => {
  for (const [name, rows, expected] of cases) {
    t.same(told(rows), expected, name);
    const children = [...rows].reverse();
    if (!name.includes('nobody')) t.same(told(children), expected, `${name}, in the other order`);
  }
});

t.test('what the kernel is told to do at a fork', async (t) => {
  const seeds = plan([INIT, LISTENER, [20, 10, 'sshd'], [11, 1, 'cron'], [12, 11, 'cron']]);
  const told = [1, 10, 20, 11, 12].map((pid) => [seeds.get(pid)?.flags, seeds.get(pid)?.spawnKind]);
  t.same(told, [
    [F_SPAWNER | F_INIT, HlKind.SERVICE],
    [F_SPAWNER, HlKind.SSH],
    [0, HlKind.SSH],
    [F_SPAWNER, HlKind.CRON],
    [F_SPAWNER, HlKind.CRON],
  ]);
});
