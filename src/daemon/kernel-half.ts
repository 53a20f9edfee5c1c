import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Running } from '../attribution/attribution.ts';
import type { Config } from '../config/types.ts';
import { addressBytes } from '../kernel/address.ts';
import type { BootClock } from '../kernel/clock.ts';
import { HlConfigFlag, HlKind, HlLineageFlag } from '../kernel/layouts.generated.ts';
import { type Kernel, KernelError } from '../kernel/load.ts';
import type { Listener } from '../proxy/listen.ts';

/**
 * The cgroup v2 directory that programs attach to.
 * @throws KernelError where there is no cgroup v2 mount, or no such directory in it
 */
export function cgroupDirectory(scope: string): { path: string; id: bigint; level: number } {
  const line = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .find((mount) => mount.split(' ')[2] === 'cgroup2');
  const mount = line?.split(' ')[1];
  if (!mount)
    throw new KernelError(
      'no cgroup v2 is mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup, or boot with systemd.unified_cgroup_hierarchy=1',
    );
  const path = join(mount, scope);
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!stat?.isDirectory()) throw new KernelError(`scope ${scope} is not a cgroup: ${path} does not exist`);
  return { path, id: stat.ino, level: scope.split('/').filter((part) => part !== '').length };
}

/** Base names of the programs whose forks begin roots, with the kernel's number for the kind. */
export function spawnersOf(config: Config): Map<string, number> {
  const kinds: [readonly string[], number][] = [
    [config.ssh.daemons, HlKind.SSH],
    [config.origins.cron, HlKind.CRON],
    [config.origins.at, HlKind.AT],
    [config.origins.console, HlKind.CONSOLE],
  ];
  return new Map(
    kinds.flatMap(([paths, kind]) =>
      paths.map((path): [string, number] => [basename(path).slice(0, 15), kind]),
    ),
  );
}

/** Programs on the way from a root to what a person started: they are no part of a chain. */
export function plumbingOf(config: Config): Set<string> {
  return new Set([...spawnersOf(config).keys(), 'sshd-session', 'sshd-auth']);
}

/** Writes what the programs need to know; they decide nothing before `ready` is said. */
export function configure(
  kernel: Kernel,
  config: Config,
  listeners: readonly Listener[],
  clock: BootClock,
): void {
  const { maps } = kernel;
  const before = maps.config.get(0);
  const cgroup = cgroupDirectory(config.scope);
  const listener = (name: 'v4' | 'v6') => listeners.find((each) => each.name === name);
  const v4 = listener('v4');
  const v6 = listener('v6');
  // Programs of another build that run until this one's take their place go on deciding by the table they have.
  const kept = (before?.flags ?? 0) & HlConfigFlag.C_READY;
  const seeded = kernel.continued ? HlConfigFlag.C_SEEDED : 0;
  maps.config.set(0, {
    proxy4: addressBytes(v4?.address ?? '127.0.0.1'),
    proxy6: addressBytes(v6?.address ?? '::1'),
    proxy4Port: v4?.port ?? 0,
    proxy6Port: v6?.port ?? 0,
    netnsCookie: kernel.continued ? (before?.netnsCookie ?? 0n) : 0n,
    epochUs: before?.epochUs ? before.epochUs : BigInt(clock.epochMicros),
    scopeId: cgroup.level === 0 ? 0n : cgroup.id,
    scopeLevel: cgroup.level,
    build: kernel.build,
    selfTgid: process.pid,
    table: before?.table ?? 0,
    flags: kept | seeded | flagsOf(config),
  });
  const wanted = spawnersOf(config);
  for (const name of maps.spawners.keys()) if (!wanted.has(name)) maps.spawners.delete(name);
  for (const [name, kind] of wanted) maps.spawners.set(name, kind);
}

/** Takes up the parts of a new configuration that the kernel reads; `ready`: routes and processes are all there. */
export function reconfigure(kernel: Kernel, config: Config, ready: boolean): void {
  const now = kernel.maps.config.get(0);
  if (!now) throw new KernelError('the config map is empty');
  kernel.maps.config.set(0, {
    ...now,
    flags: flagsOf(config) | (ready ? HlConfigFlag.C_READY | HlConfigFlag.C_SEEDED : 0),
  });
}

function flagsOf(config: Config): number {
  return (
    (config.sockets.ping === 'allow' ? HlConfigFlag.C_PING : 0) |
    (config.mode === 'observe' ? HlConfigFlag.C_OBSERVE : 0)
  );
}

/** Marks the supervisor, and so all that it will fork, as Hopline itself. */
export function markSelf(kernel: Kernel): void {
  const task = kernel.tasks().find(({ proc }) => proc.tgid === process.pid);
  if (!task)
    throw new KernelError(
      `the task iterator does not show the supervisor (pid ${process.pid}): is it in a PID namespace of its own?`,
    );
  kernel.maps.lineage.set(task.proc, {
    root: 0n,
    owner: task.proc,
    image: 1,
    execs: 1,
    kind: HlKind.SELF,
    spawnKind: 0,
    flags: HlLineageFlag.F_KNOWN,
  });
}

/** Whose a running process is. The task iterator gives the exact start time, without which there is no key. */
export function lineageOf(kernel: Kernel, pid: number): Running | null {
  const task = kernel.tasks().find(({ proc }) => proc.tgid === pid);
  const line = task ? kernel.maps.lineage.get(task.proc) : null;
  if (!task || !line) return null;
  return {
    proc: task.proc,
    owner: line.owner,
    root: line.root,
    image: line.image,
    uid: task.uid,
    kind: line.kind,
    executing: task.executing !== 0,
  };
}
