import t from 'tap';
import { examine } from '../../src/cli/doctor.ts';
import type { DoctorSystem, FileFacts } from '../../src/cli/doctor-system.ts';

const directory = (mode: number): FileFacts => ({ kind: 'directory', mode, uid: 0, gid: 0 });
const hook = '/usr/lib/hopline/pam-session';
const line = `session optional pam_exec.so quiet type=open_session ${hook}`;
const known = '/usr/lib/hopline/known-hosts';
const client = '/etc/ssh/ssh_config.d/hopline.conf';
const asked = 'ssh -G -F /etc/ssh/ssh_config localhost';
const effective = `hostkeyalgorithms ssh-ed25519,ecdsa-p521\nknownhostscommand ${known} %f\n`;

/** A machine on which everything is right, but for what a test changes. */
function machine(
  over: {
    files?: Record<string, string | null>;
    stats?: Record<string, FileFacts | null>;
    programs?: Record<string, string | null>;
  } & Partial<DoctorSystem> = {},
): DoctorSystem {
  const files: Record<string, string | null> = {
    '/proc/self/mountinfo':
      '30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n31 23 0:27 / /sys/fs/bpf rw - bpf bpf rw\n',
    '/proc/77/status': 'Name:\tnode\nCapEff:\t000000c000001000\n',
    '/proc/self/loginuid': '1000',
    '/etc/pam.d/sshd': `@include common-auth\n${line}\nsession required pam_env.so user_readenv=1\n`,
    '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nhopline:x:995:995::/nonexistent:/usr/sbin/nologin\n',
    '/run/hopline/ssh_host_ecdsa_key.pub': 'ecdsa-p521 AAAA SHA256:ab MD5:cd\n',
    [client]: `# Hopline\nKnownHostsCommand ${known} %f\n`,
    '/proc/sys/net/core/bpf_jit_enable': '1\n',
    ...over.files,
  };
  const stats: Record<string, FileFacts | null> = {
    '/sys/kernel/btf/vmlinux': { kind: 'file', mode: 0o444, uid: 0, gid: 0 },
    [hook]: { kind: 'file', mode: 0o755, uid: 0, gid: 0 },
    [known]: { kind: 'file', mode: 0o755, uid: 0, gid: 0 },
    '/run/hopline/ssh_host_ecdsa_key.pub': { kind: 'file', mode: 0o644, uid: 0, gid: 0 },
    '/etc/hopline': directory(0o755),
    '/var/lib/hopline': directory(0o750),
    '/run/hopline': directory(0o755),
    ...over.stats,
  };
  const programs: Record<string, string | null> = {
    '/usr/sbin/sshd -V': 'OpenSSH_9.2p1',
    '/usr/sbin/sshd -T': 'port 22\nusepam yes\n',
    [asked]: effective,
    'ssh -G localhost': effective,
    [`${known} SHA256:ab`]: '* ecdsa-p521 AAAA\n',
    [`${known} SHA256:abA`]: '',
    'timedatectl show -p NTPSynchronized --value': 'yes\n',
    ...over.programs,
  };
  return {
    socket: '/run/hopline/control.sock',
    config: '/etc/hopline',
    uid: 0,
    release: () => '6.1.0-18-amd64',
    read: (path) => files[path] ?? null,
    stat: (path) => stats[path] ?? null,
    executable: (path) => path === '/usr/sbin/sshd',
    run: (program, args) => {
      const output = programs[[program, ...args].join(' ')];
      return typeof output === 'string' ? { status: 0, output } : null;
    },
    loads: async () => null,
    daemon: async () => ({ pid: 77, version: '0.1.0' }),
    ...Object.fromEntries(Object.entries(over).filter(([, value]) => typeof value === 'function')),
  };
}

const ssh = 'ssh KnownHostsCommand';
const none = 'hostkeyalgorithms ecdsa-p521\n';
const other = `${none}knownhostscommand /usr/bin/other %H\n`;
const tooRun = `have it run what Hopline's does, too: ${known} %f`;
const sshClients: [Parameters<typeof machine>[0], unknown[][]][] = [
  [{ files: { [client]: null }, programs: { [asked]: none } }, [[ssh, 'no', 'scripts/install']]],
  [{ programs: { [asked]: none } }, [[ssh, 'no', /top of \/etc\/ssh\/ssh_config: Include \/etc/]]],
  [{ programs: { [asked]: other } }, [[ssh, 'no', tooRun]]],
  [{ programs: { 'ssh -G localhost': other } }, [[ssh, 'warn', tooRun]]],
  [{ programs: { [asked]: null } }, [[ssh, 'warn', undefined]]],
  [{ stats: { [known]: null } }, [[ssh, 'no', 'scripts/install']]],
  [
    { stats: { [known]: { kind: 'file', mode: 0o757, uid: 0, gid: 0 } } },
    [[ssh, 'no', `chown root:root ${known} && chmod 0755 ${known}`]],
  ],
  [{ files: { '/run/hopline/ssh_host_ecdsa_key.pub': null } }, [[ssh, 'warn', 'systemctl start hoplined']]],
  [
    { stats: { '/run/hopline/ssh_host_ecdsa_key.pub': { kind: 'file', mode: 0o600, uid: 0, gid: 0 } } },
    [[ssh, 'no', /chmod 0644/]],
  ],
  [{ programs: { [`${known} SHA256:ab`]: '' } }, [[ssh, 'no', 'scripts/install']]],
  [{ programs: { [`${known} SHA256:abA`]: '* ecdsa-p521 AAAA' } }, [[ssh, 'no', 'scripts/install']]],
  [{ programs: { [asked]: effective.replace(',ecdsa-p521', '') } }, [[ssh, 'no', 'add to them: ecdsa-p521']]],
];

const as = (user: string) => `user=${user},host=localhost,addr=127.0.0.1`;
const forced = 'forcecommand /usr/bin/hopline shell\n';

async function wrong(over: Parameters<typeof machine>[0]) {
  const results = await examine(machine(over));
  return results.filter((one) => one.ok !== 'yes').map(({ name, ok, fix }) => [name, ok, fix]);
}

t.test('nothing to say about a machine that is right', async (t) => {
  t.strictSame(await wrong({}), []);
});

t.test('each thing that is missing is named, with the line or the command', async (t) => {
  const cases: [Parameters<typeof machine>[0], unknown[][]][] = [
    [{ release: () => '5.4.0' }, [['kernel', 'no', /linux-image/]]],
    [{ release: () => '4.19.0' }, [['kernel', 'no', /linux-image/]]],
    [{ stats: { '/sys/kernel/btf/vmlinux': null } }, [['BTF', 'no', /CONFIG_DEBUG_INFO_BTF/]]],
    [
      { files: { '/proc/self/mountinfo': '' } },
      [
        ['cgroup v2', 'no', /mount -t cgroup2/],
        ['bpffs', 'no', 'mount -t bpf bpf /sys/fs/bpf'],
      ],
    ],
    [{ loads: async () => 'cannot open' }, [['libbpf', 'no', 'apt-get install libbpf1']]],
    [
      { files: { '/proc/77/status': 'CapEff:\t0000004000001000\n' } },
      [['capabilities', 'no', /AmbientCapabilities=CAP_BPF/]],
    ],
    [
      { files: { '/sys/kernel/security/lockdown': 'none integrity [confidentiality]\n' } },
      [['lockdown', 'no', /integrity/]],
    ],
    [{ files: { '/proc/sys/kernel/yama/ptrace_scope': '3\n' } }, [['yama', 'warn', /ptrace_scope = 2/]]],
    [{ files: { '/proc/self/loginuid': null } }, [['audit session ids', 'warn', /CONFIG_AUDIT/]]],
    [
      { programs: { [`/usr/sbin/sshd -T -C ${as('root')}`]: forced } },
      [['sshd ForceCommand', 'warn', /Match User \*,!root/]],
    ],
    [
      { programs: { [`/usr/sbin/sshd -T -C ${as('hopline-doctor')}`]: forced } },
      [['sshd ForceCommand', 'warn', /SetEnv SHLVL=1 ZDOTDIR=\/usr\/lib\/hopline$/]],
    ],
    [
      {
        programs: {
          [`/usr/sbin/sshd -T -C ${as('hopline-doctor')}`]: `${forced}setenv SHLVL=1 ZDOTDIR=/x\n`,
        },
      },
      [],
    ],
    [{ programs: { '/usr/sbin/sshd -T': 'usepam no\n' } }, [['sshd UsePAM', 'no', /UsePAM yes/]]],
    [
      {
        files: {
          '/etc/pam.d/sshd':
            '@include common-auth\n# session optional pam_exec.so quiet /usr/lib/hopline/pam-session\n',
        },
      },
      [['PAM session hook', 'no', new RegExp(line)]],
    ],
    [
      { files: { '/etc/pam.d/sshd': `session required pam_env.so user_readenv=1\n${line}\n` } },
      [['PAM session hook', 'no', `move above line 1 of /etc/pam.d/sshd: ${line}`]],
    ],
    [
      { stats: { [hook]: { kind: 'file', mode: 0o775, uid: 0, gid: 0 } } },
      [['PAM session hook', 'no', `chown root:root ${hook} && chmod 0755 ${hook}`]],
    ],
    ...sshClients,
    [{ files: { '/etc/passwd': 'root:x:0:0::/root:/bin/sh\n' } }, [['user', 'no', /useradd --system/]]],
    [
      { stats: { '/var/lib/hopline': directory(0o755) } },
      [['state directory', 'no', 'chmod 0750 /var/lib/hopline']],
    ],
    [
      { stats: { '/etc/hopline': { ...directory(0o755), uid: 1000 } } },
      [['configuration', 'no', 'chown root /etc/hopline']],
    ],
    [{ stats: { '/run/hopline': directory(0o777) } }, [['run directory', 'no', 'chmod 0755 /run/hopline']]],
    [
      { programs: { 'timedatectl show -p NTPSynchronized --value': 'no' } },
      [['clock', 'warn', 'timedatectl set-ntp true']],
    ],
    [
      {
        daemon: async () => 'hoplined is not running',
        files: { '/proc/self/status': 'CapEff:\t0000000000000000\n' },
      },
      [
        ['capabilities', 'warn', undefined],
        ['daemon', 'no', 'systemctl start hoplined'],
      ],
    ],
  ];
  for (const [over, expected] of cases)
    t.match(await wrong(over), expected, JSON.stringify(expected[0]?.[0]));
});

t.test('a check that breaks is a failed check, not a crash', async (t) => {
  const results = await examine(machine(), [
    {
      name: 'odd',
      run() {
        throw new Error('no such thing');
      },
    },
  ]);
  t.strictSame(results, [{ name: 'odd', ok: 'no', found: 'the check itself failed: no such thing' }]);
});
