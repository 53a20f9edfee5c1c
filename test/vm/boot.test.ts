/** scripts/vm-test itself: what a run gives back, and what it must not touch. Needs root; the first run fetches kernels. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { prepare, type Run, reason, VM_TEST, vmTest } from './support.ts';

const kernels = ['5.10', '6.1', '6.12'];

const bash = (kernel: string, script: string): Promise<Run> => vmTest([kernel, '--', 'bash', '-c', script]);

/** Directories of runs below TMPDIR, which each run removes. */
const left = (dir: string): string[] => readdirSync(dir).filter((name) => name.startsWith('hopline-vm.'));

t.setTimeout(20 * 60_000);

t.test('wrong usage is 2, and says what was expected', async (t) => {
  for (const [args, says] of [
    [['4.19', '--', 'true'], /5\.10 6\.1 6\.12/],
    [['6.1'], /a command after --/],
    [['6.1', '--memory', 'much', '--', 'true'], /number of MB/],
    [['6.1', 'true'], /unknown option true/],
    [['6.1', '--env', 'HOPLINE_NOT_SET', '--', 'true'], /not set here/],
  ] as const) {
    const { status, stdout, stderr } = await vmTest([...args]);
    t.equal(status, 2, args.join(' '));
    t.match(stderr, says);
    t.equal(stdout, '');
  }
});

t.test('guests', { skip: reason }, async (t) => {
  prepare();

  for (const kernel of kernels)
    t.test(`${kernel}: output, errors, status and what a host has`, async (t) => {
      const { status, stdout, stderr } = await bash(
        kernel,
        `uname -r; echo reopened >/dev/stdout; echo to errors >&2
         stat -fc %T / /sys/fs/cgroup /sys/fs/bpf /sys/kernel/tracing
         test -s /sys/kernel/btf/vmlinux && echo btf; grep -o bpf /sys/kernel/security/lsm
         ip netns add a && ip link add v type veth peer name w netns a && echo veth
         mkdir /run/o && mount -t tmpfs o /run/o && mkdir /run/o/u /run/o/w /run/o/m
         mount -t overlay o -o lowerdir=/,upperdir=/run/o/u,workdir=/run/o/w /run/o/m && echo overlay
         echo 4242 >/proc/self/loginuid; cat /proc/self/loginuid; echo; exit 3`,
      );
      t.equal(status, 3);
      const [version, ...rest] = stdout.trimEnd().split('\n');
      t.ok(version?.startsWith(`${kernel}.`), `it is ${version}`);
      t.strictSame(rest, [
        'reopened',
        ...['overlayfs', 'cgroup2fs', 'bpf_fs', 'tracefs'],
        ...['btf', 'bpf', 'veth', 'overlay', '4242'],
      ]);
      t.equal(stderr, 'to errors\n');
    });

  t.test('words, directory and variables reach the command as they are', async (t) => {
    const cwd = mkdtempSync(join(tmpdir(), "vm test'"));
    t.teardown(() => rmSync(cwd, { recursive: true }));
    const words = ['a b', '', '*', "it's", 'line\nline', '$HOME'];
    const { status, stdout } = await vmTest(
      ['6.1', '--env', 'GIVEN', '--env', 'SET=x  "y"', '--']
        .concat(['bash', '-c', 'printf "%s\\0" "$PWD" "$GIVEN" "$SET" "$@"', '_'])
        .concat(words),
      { cwd, env: { ...process.env, GIVEN: '$(true)' } },
    );
    t.equal(status, 0);
    t.strictSame(stdout.split('\0').slice(0, -1), [cwd, '$(true)', 'x  "y"', ...words]);
  });

  t.test('the machine is not written to, whatever the guest mounts anew', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'vm-host.'));
    t.teardown(() => rmSync(dir, { recursive: true }));
    const file = join(dir, 'file');
    writeFileSync(file, 'as it was');
    const over = await bash(
      '6.1',
      `echo changed >'${file}' && touch '${dir}/new' && rm -rf /etc/passwd && cat '${file}'`,
    );
    t.match(over, { status: 0, stdout: 'changed\n' }, 'the guest sees its own writes');
    const below = await bash(
      'systemd',
      `mount -o remount,rw /host; touch '/host${dir}/new' || echo changed >'/host${file}' || exit 5`,
    );
    t.equal(below.status, 5, below.stderr);
    t.match(below.stderr, /Read-only file system/);
    t.equal(readFileSync(file, 'utf8'), 'as it was');
    t.strictSame(readdirSync(dir), ['file']);
    t.ok(existsSync('/etc/passwd'));
  });

  t.test('everything is read to its end, and what is left running does not hold it up', async (t) => {
    const { status, stdout } = await bash(
      '6.1',
      'setsid sleep 1000 & (setsid tail -f /dev/null &); seq 300000',
    );
    t.equal(status, 0);
    t.equal(stdout.length, 1_988_895);
    t.ok(stdout.endsWith('\n299999\n300000\n'));
  });

  t.test('a command that is not there, and one that is killed', async (t) => {
    t.match(await vmTest(['6.1', '--', 'no-such-command']), { status: 127, stderr: /no-such-command/ });
    t.match(await bash('6.1', 'kill -KILL $$'), { status: 137 });
  });

  t.test('a guest that dies is 125, one that is late 124; nothing is left', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'vm-left.'));
    t.teardown(() => rmSync(dir, { recursive: true }));
    const env = { ...process.env, TMPDIR: dir };
    const dead = await vmTest(
      ['6.1', '--', 'bash', '-c', 'echo so far; sleep 1; echo c >/proc/sysrq-trigger; sleep 60'],
      {
        env,
      },
    );
    t.match(dead, {
      status: 125,
      stdout: 'so far\n',
      stderr: /Kernel panic[\s\S]*died while the command ran/,
    });
    const unborn = await vmTest(['6.1', '--append', 'rdinit=/none', '--', 'true'], { env });
    t.match(unborn, { status: 125, stdout: '', stderr: /did not start/ });
    const late = await vmTest(['6.1', '--timeout', '8', '--', 'sleep', '600'], { env });
    t.match(late, { status: 124, stderr: /longer than 8 s/ });
    t.strictSame(left(dir), []);
    t.notMatch(readFileSync('/proc/self/mountinfo', 'utf8'), 'hopline-vm');
  });

  t.test('ended from outside: its processes end with it', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'vm-kill.'));
    t.teardown(() => rmSync(dir, { recursive: true }));
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const child = spawn(VM_TEST, ['6.1', '--', 'bash', '-c', 'echo up; sleep 600'], {
        env: { ...process.env, TMPDIR: dir },
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const ended = new Promise((resolve) => child.on('close', resolve));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      t.ok(running(dir).length > 0, 'QEMU and virtiofsd run');
      child.kill(signal);
      await ended;
      for (let look = 0; look < 100 && running(dir).length > 0; look++)
        await new Promise((resolve) => setTimeout(resolve, 50));
      t.strictSame(running(dir), [], signal);
    }
  });

  t.test('systemd: reached, its units run, a login is a session', async (t) => {
    const { status, stdout, stderr } = await vmTest([
      'systemd',
      '--',
      'bash',
      '-c',
      `systemctl is-system-running; systemd-run --quiet --wait true; echo "unit $?"
       useradd -m -s /bin/bash carol; install -d -m 700 -o carol /home/carol/.ssh
       ssh-keygen -q -t ed25519 -N '' -f /root/key
       install -m 600 -o carol /root/key.pub /home/carol/.ssh/authorized_keys
       ssh -o StrictHostKeyChecking=no -o LogLevel=ERROR -i /root/key carol@127.0.0.1 \\
         'echo "$(id -u) $(cat /proc/self/loginuid) $(cat /proc/self/cgroup)"; echo "session $XDG_SESSION_ID"'
       test -d /host/etc && [[ $PWD == /host/* ]] && echo host; exit 7`,
    ]);
    t.equal(status, 7, stderr);
    const lines = stdout.trimEnd().split('\n');
    t.match(lines[0], /^(running|degraded)$/);
    t.equal(lines[1], 'unit 0');
    t.match(lines[2], /^(\d+) \1 0::\/user\.slice\/user-\1\.slice\/session-\d+\.scope$/);
    t.match(lines[3], /^session \d+$/);
    t.equal(lines[4], 'host');
  });
});

/** Live processes with the directory in their command line, without the one that was started here. */
function running(dir: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return words.includes(dir) ? [words] : [];
      } catch {
        return [];
      }
    });
}
