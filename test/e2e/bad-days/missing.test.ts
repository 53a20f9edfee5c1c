/** What hoplined needs is not there: the start-up error and `hopline doctor` name it and the fix. */
import t, { type Test } from 'tap';
import {
  ask,
  daemon,
  exec,
  hops,
  labDown,
  labUp,
  loginOf,
  type Outcome,
  REPO,
  read,
  rootOnly,
  Shell,
  until,
  write,
} from './support.ts';

const NODE = 'node --disable-warning=ExperimentalWarning';
const DAEMON = `timeout 60 ${NODE} ${REPO}/src/hoplined.ts`;
const DOCTOR = `${NODE} ${REPO}/src/hopline.ts doctor`;
const LIBRARY = 'find /usr/lib /lib -name "libbpf.so.1*" -not -type d';

interface Lack {
  readonly what: string;
  /** Shell, run in a mount namespace of its own that ends with it. */
  readonly hide: string;
  /** Before the programs: how they are run. */
  readonly as?: string;
  readonly start: RegExp;
  /** What doctor says; null where it can't know. */
  readonly doctor: RegExp | null;
}

const LACKS: readonly Lack[] = [
  {
    what: 'cgroup v2',
    hide: `awk '$3 == "cgroup2" { print $2 }' /proc/mounts | tac | xargs -rn1 umount -l`,
    start: /no cgroup v2 is mounted: mount -t cgroup2/,
    doctor: /cgroup v2[\s\S]*no cgroup2 mount[\s\S]*mount -t cgroup2/,
  },
  {
    what: 'bpffs',
    hide: `awk '$3 == "bpf" { print $2 }' /proc/mounts | tac | xargs -rn1 umount -l`,
    start: /on no bpffs[\s\S]*mount -t bpf bpf \/sys\/fs\/bpf/,
    doctor: /bpffs[\s\S]*no bpf mount[\s\S]*mount -t bpf bpf \/sys\/fs\/bpf/,
  },
  {
    what: 'a bpffs where the pins are to be',
    hide: 'mount -t tmpfs none /sys/fs/bpf',
    start: /on no bpffs[\s\S]*mount -t bpf bpf \/sys\/fs\/bpf/,
    doctor: /bpffs[\s\S]*mount -t bpf bpf \/sys\/fs\/bpf/,
  },
  {
    what: 'libbpf',
    hide: `for file in $(${LIBRARY}); do mount --bind /dev/null "$file"; done`,
    start: /libbpf\.so\.1 can't be loaded[\s\S]*apt-get install libbpf1/,
    doctor: /libbpf[\s\S]*apt-get install libbpf1/,
  },
  {
    what: 'BTF',
    hide: 'mkdir -p /tmp/none && mount --bind /tmp/none /sys/kernel/btf',
    start: /BTF[\s\S]*\/sys\/kernel\/btf\/vmlinux/,
    doctor: /BTF[\s\S]*\/sys\/kernel\/btf\/vmlinux is not there[\s\S]*CONFIG_DEBUG_INFO_BTF=y/,
  },
  {
    what: 'CAP_BPF',
    hide: 'true',
    as: 'setpriv --bounding-set=-bpf,-sys_admin --inh-caps=-bpf,-sys_admin',
    start: /CAP_BPF/,
    doctor: /capabilities[\s\S]*CAP_BPF/,
  },
  {
    what: 'CAP_NET_ADMIN',
    hide: 'true',
    as: 'setpriv --bounding-set=-net_admin,-sys_admin --inh-caps=-net_admin,-sys_admin',
    start: /CAP_NET_ADMIN/,
    doctor: /capabilities[\s\S]*CAP_NET_ADMIN/,
  },
  {
    what: 'the account of the workers',
    hide: 'sed /^hopline:/d /etc/passwd >/tmp/passwd && mount --bind /tmp/passwd /etc/passwd',
    start: /no account hopline[\s\S]*(useradd|systemd-sysusers)/,
    doctor: /no account hopline[\s\S]*useradd/,
  },
];

function without({ hide, as = '' }: Lack, command: string): Promise<Outcome> {
  const inner = `${hide}; exec ${as} ${command}`;
  return exec('bastion1', 'unshare', '--mount', '--propagation', 'private', 'sh', '-c', inner);
}

async function lacks(t: Test, lack: Lack): Promise<void> {
  const started = await without(lack, DAEMON);
  t.equal(started.code, 1, 'the start is refused');
  t.match(started.err, /hoplined: can't start: /);
  t.match(started.err, lack.start, 'and says what is missing, and the fix');
  if (lack.doctor === null) return;
  const said = await without(lack, DOCTOR);
  t.equal(said.code, 1, 'doctor finds it');
  t.match(said.out, lack.doctor);
}

if (rootOnly) t.plan(0, rootOnly);
else {
  t.setTimeout(1_200_000);
  t.before(() => labUp({ daemon: false }));
  t.teardown(labDown);

  for (const lack of LACKS) t.test(`without ${lack.what}`, { timeout: 300_000 }, (t) => lacks(t, lack));

  t.test('a scope that is not there', async (t) => {
    const file = '/etc/hopline/hopline.yaml';
    const good = read(file);
    write(file, good.replace(/^scope: .*/m, 'scope: /not-there'));
    const { code, err } = await exec('bastion1', 'sh', '-c', DAEMON);
    write(file, good);
    t.equal(code, 1);
    t.match(err, /scope \/not-there is not a cgroup: .*\/not-there does not exist/);
  });

  t.test('nothing of those starts enforces anything', async (t) => {
    const shell = new Shell('alice@bastion1');
    t.match(await shell.run('curl -s -m 9 http://10.77.0.66:8200/'), { code: 0, out: /vault is open/ });
    shell.close();
  });

  t.test(
    'without the PAM line: doctor says so, and a login is a tree, unverified',
    { timeout: 300_000 },
    async (t) => {
      t.equal((await daemon('start')).code, 0);
      const file = '/etc/pam.d/sshd';
      const good = read(file);
      write(file, good.replace(/^.*pam-session.*\n/gm, ''));
      const said = await exec('bastion1', 'sh', '-c', DOCTOR);
      t.equal(said.code, 1);
      t.match(
        said.out,
        /no line of Hopline in \/etc\/pam\.d\/sshd[\s\S]*add to \/etc\/pam\.d\/sshd[\s\S]*pam_exec\.so quiet/,
      );
      const shell = new Shell('alice@bastion1');
      const id = await loginOf(shell);
      await shell.run('curl -s -m 9 http://10.77.0.30/');
      await until('its hop', async () => (await hops({ login: id })).length > 0);
      const login = (await ask('logins', {})).find((one) => one.id === id);
      t.match(login, {
        user: 'alice',
        identity: { name: 'alice', verified: false, evidence: { method: 'account' } },
      });
      t.match(login?.client, { address: /^(10\.77\.0\.2|fd77::2)$/ });
      shell.close();
      write(file, good);
    },
  );

  t.test('nothing missing', async (t) => {
    const said = await exec('bastion1', 'sh', '-c', `${DOCTOR} --json`);
    const found = JSON.parse(said.out) as { name: string; ok: string; found: string }[];
    const wanted = [
      'BTF',
      'cgroup v2',
      'bpffs',
      'libbpf',
      'capabilities',
      'PAM session hook',
      'user',
      'daemon',
    ];
    for (const name of wanted)
      t.match(
        found.find((one) => one.name === name),
        { ok: 'yes' },
        name,
      );
  });
}
