import type { Check, Finding } from './doctor-check.ts';
import type { DoctorSystem } from './doctor-system.ts';

const OLDEST: readonly [number, number] = [5, 10];

/** linux/capability.h. */
const CAPABILITIES: readonly (readonly [string, number])[] = [
  ['CAP_NET_ADMIN', 12],
  ['CAP_SYS_PTRACE', 19],
  ['CAP_SYS_ADMIN', 21],
  ['CAP_PERFMON', 38],
  ['CAP_BPF', 39],
];
const NEEDED = ['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON'];

export const kernelChecks: readonly Check[] = [
  {
    name: 'kernel',
    run(system) {
      const release = system.release();
      const [major = 0, minor = 0] = release.split('.').map(Number.parseFloat);
      const enough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
      if (enough) return { ok: 'yes', found: `Linux ${release}` };
      const fix = 'apt-get install linux-image-amd64 && reboot';
      return { ok: 'no', found: `Linux ${release} is older than ${OLDEST.join('.')}`, fix };
    },
  },
  {
    name: 'BTF',
    run(system) {
      if (system.stat('/sys/kernel/btf/vmlinux') !== null)
        return { ok: 'yes', found: '/sys/kernel/btf/vmlinux' };
      const fix =
        'run a kernel built with CONFIG_DEBUG_INFO_BTF=y (Debian, Ubuntu, RHEL 8.2+ and Fedora kernels are)';
      return { ok: 'no', found: '/sys/kernel/btf/vmlinux is not there', fix };
    },
  },
  {
    name: 'cgroup v2',
    run(system) {
      const mounts = mountsOf(system, 'cgroup2');
      const [first] = mounts;
      if (first !== undefined) return { ok: 'yes', found: `mounted on ${mounts.join(', ')}` };
      const fix = 'mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified';
      return { ok: 'no', found: 'no cgroup2 mount', fix };
    },
  },
  {
    name: 'bpffs',
    run(system) {
      const mounts = mountsOf(system, 'bpf');
      if (mounts.length > 0) return { ok: 'yes', found: `mounted on ${mounts.join(', ')}` };
      return { ok: 'no', found: 'no bpf mount: nothing can be pinned', fix: 'mount -t bpf bpf /sys/fs/bpf' };
    },
  },
  {
    name: 'libbpf',
    async run(system) {
      const error = await system.loads('libbpf.so.1');
      if (error === null) return { ok: 'yes', found: 'libbpf.so.1 loads' };
      return { ok: 'no', found: error, fix: 'apt-get install libbpf1' };
    },
  },
  { name: 'capabilities', run: capabilities },
  {
    name: 'lockdown',
    run(system) {
      const state = /\[(\w+)\]/.exec(system.read('/sys/kernel/security/lockdown') ?? '')?.[1] ?? 'none';
      if (state !== 'confidentiality') return { ok: 'yes', found: state };
      const fix =
        'remove lockdown=confidentiality from the kernel command line (integrity is fine), then reboot';
      return { ok: 'no', found: 'confidentiality: eBPF may not read kernel memory', fix };
    },
  },
  {
    name: 'yama',
    run(system) {
      const scope = system.read('/proc/sys/kernel/yama/ptrace_scope')?.trim() ?? 'not there';
      if (scope !== '3') return { ok: 'yes', found: `ptrace_scope ${scope}` };
      // pidfd_getfd wants PTRACE_MODE_ATTACH, which 3 refuses to everyone until the next boot.
      const fix = "echo 'kernel.yama.ptrace_scope = 2' > /etc/sysctl.d/60-hopline.conf && reboot";
      return { ok: 'warn', found: 'ptrace_scope 3: sockets of running daemons cannot be looked at', fix };
    },
  },
  {
    name: 'bpf jit',
    run(system) {
      const jit = system.read('/proc/sys/net/core/bpf_jit_enable')?.trim();
      // Where it cannot be read it is compiled in (CONFIG_BPF_JIT_ALWAYS_ON) or this is not root.
      if (jit !== '0') return { ok: 'yes', found: jit === undefined ? 'not configurable' : 'on' };
      return { ok: 'warn', found: 'off: every hook is slower', fix: 'sysctl -w net.core.bpf_jit_enable=1' };
    },
  },
  {
    name: 'audit session ids',
    run(system) {
      if (system.read('/proc/self/loginuid') !== null)
        return { ok: 'yes', found: 'loginuid and sessionid are kept' };
      const fix = 'run a kernel with CONFIG_AUDIT=y, and without audit=off on its command line';
      return { ok: 'warn', found: 'no loginuid: logins from before a restart cannot be recovered', fix };
    },
  },
  {
    name: 'clock',
    run(system) {
      const shown = system.run('timedatectl', ['show', '-p', 'NTPSynchronized', '--value']);
      if (shown === null || shown.status !== 0)
        return { ok: 'warn', found: 'no timedatectl to ask whether it is synchronised' };
      if (shown.output.trim() === 'yes') return { ok: 'yes', found: 'synchronised' };
      return {
        ok: 'warn',
        found: 'not synchronised: times of several hosts will not agree',
        fix: 'timedatectl set-ntp true',
      };
    },
  },
];

async function capabilities(system: DoctorSystem): Promise<Finding> {
  const daemon = await system.daemon();
  const running = typeof daemon !== 'string';
  const pid = running ? String(daemon.pid) : 'self';
  const mask = /^CapEff:\s*([0-9a-f]+)/m.exec(system.read(`/proc/${pid}/status`) ?? '')?.[1];
  if (mask === undefined) return { ok: 'warn', found: `/proc/${pid}/status cannot be read: run as root` };
  const held = CAPABILITIES.filter(([, bit]) => ((BigInt(`0x${mask}`) >> BigInt(bit)) & 1n) === 1n).map(
    ([name]) => name,
  );
  const missing = NEEDED.filter((name) => !held.includes(name) && !held.includes('CAP_SYS_ADMIN'));
  const whose = running ? `hoplined (pid ${pid})` : 'this process';
  if (missing.length === 0) return { ok: 'yes', found: `${whose} has ${held.join(' ')}` };
  if (!running)
    return { ok: 'warn', found: `${whose} has no ${missing.join(' ')}: run as root to know more` };
  const fix = `in hoplined.service: AmbientCapabilities=${missing.join(' ')}\nCapabilityBoundingSet=${missing.join(' ')}`;
  return { ok: 'no', found: `${whose} lacks ${missing.join(' ')}`, fix };
}

/**
 * Mount points of a file system type; proc_pid_mountinfo(5): the type follows the lone hyphen. Of two on one point
 * the later covers the other.
 */
function mountsOf(system: DoctorSystem, type: string): string[] {
  const lines = (system.read('/proc/self/mountinfo') ?? '').split('\n').map((line) => line.split(' '));
  const last = new Map(lines.map((fields) => [fields[4] ?? '', fields[fields.indexOf('-') + 1]]));
  return [...last].filter(([, found]) => found === type).map(([point]) => point);
}
