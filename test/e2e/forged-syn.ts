/** Bytes of the SYN option that somebody else sends: read along on the lab's wire, and put into SYNs of the laptop's. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { until } from '../until.ts';
import { labOf, REPO, run, type Said } from './lab.ts';

/** Kind 254, 20 bytes, and Hopline's identifier (RFC 6994): bpf/abi.h. */
const HEAD = 'fe14484c';
const ours = labOf(process.env.LAB_NAME ?? 'e2e');

export interface Option {
  /** 16 hexadecimal digits, each. */
  readonly handle: string;
  readonly mac: string;
}

export interface Wire {
  /** The options of the SYNs that a bastion has sent to a port, in their order. */
  options(port: number): readonly Option[];
}

/** Reads along what a host sends. */
export async function listenTo(t: Test, host: string): Promise<Wire> {
  const sniff = ['python3', join(REPO, 'test/kernel/hop-sniff.py'), `v-${host}`];
  const child = spawn('nsenter', [`--net=/run/netns/hl-${ours.name}-net`, ...sniff], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill());
  const syns: { to: number; options: string }[] = [];
  let ready = false;
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (ready) syns.push(JSON.parse(line));
    ready = true;
  });
  await until(() => ready, `${host} is listened to`);
  const digits = new RegExp(`${HEAD}(.{16})(.{16})`);
  return {
    options: (port) =>
      syns.flatMap(({ to, options }) => {
        const [, handle, mac] = digits.exec(options) ?? [];
        return to === port && handle !== undefined && mac !== undefined ? [{ handle, mac }] : [];
      }),
  };
}

/** Has the connections of the laptop's cgroup send an option. @returns `forge`: null sends none again */
export function forger(t: Test): (option: Option | null) => void {
  const directory = mkdtempSync(join(tmpdir(), 'hopline-forge-'));
  const object = join(directory, 'forge.o');
  const pins = `/sys/fs/bpf/hopline-${ours.name}-forge`;
  const cgroup = join(ours.cgroup(), 'laptop');
  const include = `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`;
  const source = join(import.meta.dirname, 'programs/forge.bpf.c');
  t.teardown(() => {
    // The cgroup goes with the lab, and the program with the cgroup.
    rmSync(pins, { recursive: true, force: true });
    rmSync(directory, { recursive: true });
  });
  rmSync(pins, { recursive: true, force: true });
  execFileSync('clang', [
    '-O2',
    '-g',
    '-target',
    'bpf',
    '-mcpu=v2',
    `-I${include}`,
    '-c',
    source,
    '-o',
    object,
  ]);
  bpftool('prog', 'loadall', object, pins, 'pinmaps', pins);
  bpftool('cgroup', 'attach', cgroup, 'cgroup_sock_ops', 'pinned', `${pins}/forge`);
  return (option) => {
    const bytes = Buffer.alloc(20);
    if (option !== null) bytes.write(`${HEAD}${option.handle}${option.mac}`, 'hex');
    const value = [...bytes].map(String);
    bpftool('map', 'update', 'pinned', `${pins}/forged`, 'key', '0', '0', '0', '0', 'value', ...value);
  };
}

function bpftool(...args: string[]): void {
  execFileSync('bpftool', args);
}

/** alice of the laptop with another host's addresses, and none of that host's programs: who is on its network. */
export function sshFrom(host: string, to: string, command: string): Promise<Said> {
  const [pid = ''] = readFileSync(`/run/hopline-${ours.name}/laptop/init`, 'utf8').split(' ');
  const script = `echo $$ >"$1" && shift && exec nsenter --net="$1" --mount --uts --target="$2" \
    env -i HOME=/home/alice USER=alice PATH=/usr/bin:/bin setpriv --reuid=alice --regid=alice --init-groups \
    ssh -o BatchMode=yes -o StrictHostKeyChecking=no "alice@$3" "$4"`;
  const namespace = `/run/netns/hl-${ours.name}-${host}`;
  const procs = join(ours.cgroup(), 'laptop/cgroup.procs');
  return run('sh', ['-c', script, 'sh', procs, namespace, pid, to, command]);
}
