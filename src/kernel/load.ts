/**
 * Loading, pinning and replacing the programs.
 *
 * Maps and links are pinned under `<pins>/v<ABI>`, so they keep enforcing while no daemon runs. A daemon
 * that finds its own build there attaches nothing and loses nothing. Another build swaps cgroup programs
 * in place (bpf_link_update); tracing links can't be swapped, so those are detached and attached
 * again, and the caller recovers the processes that were born in between.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { HopOption } from './hop-option.ts';
import { HL_ABI, type HlTask, hlConfigSize, readHlConfig } from './layouts.generated.ts';
import { errorName, type Libbpf, loadLibbpf, type Pointer } from './libbpf.ts';
import { type KernelMaps, openMaps, SHARED_MAPS } from './maps.ts';
import { readTasks } from './tasks.ts';

/** In the order of attaching: what refuses comes after what knows. */
const CONCERNS = [
  'lineage',
  'sockets',
  'flow',
  'hop_option',
  'egress',
  'packets',
  'handoff',
  'release',
  'recover',
] as const;

type Concern = (typeof CONCERNS)[number];

/** Concerns without which Hopline still tells the truth, and what is missing then. */
const OPTIONAL: Partial<Record<Concern, string>> = {
  release: 'the end of a UDP flow is recorded with its process, without bytes',
  handoff: 'handoffs through Unix sockets are not recorded',
  hop_option: 'logins on other hosts are not linked by the SYN option',
};

export interface LoadOptions {
  /** Directory of the compiled objects. */
  readonly objects: string;
  /** Directory on a bpffs. */
  readonly pins: string;
  /** Absolute path of the cgroup v2 directory to attach to. */
  readonly cgroup: string;
}

export interface Kernel {
  readonly maps: KernelMaps;
  readonly hopOption: HopOption;
  /** True where this build's programs were running before: what happened meanwhile is in the maps. */
  readonly continued: boolean;
  /** What could not be loaded or reached, and what that costs. */
  readonly missing: readonly string[];
  /** Number to hold in HlConfig.build. */
  readonly build: bigint;
  tasks(): HlTask[];
  /**
   * Attaches and pins: first `trace`, which only knows; when the maps are filled, `enforce`, which
   * refuses. Where `continued`, only what could not be pinned is attached again.
   */
  attach(phase: 'trace' | 'enforce'): void;
}

export class KernelError extends Error {
  readonly code = 'kernel';
}

/**
 * Opens the pinned maps and makes sure that this build's programs run.
 * @throws KernelError naming what failed and the fix
 */
export function loadKernel(options: LoadOptions): Kernel {
  const lib = loadLibbpf();
  const root = join(options.pins, `v${HL_ABI}`);
  const links = join(root, 'links');
  requireBpffs(options.pins);
  try {
    mkdirSync(links, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new KernelError(
      `can't make ${links}: ${(error as Error).message}. Mount a bpffs: mount -t bpf bpf /sys/fs/bpf`,
    );
  }
  const build = buildOf(options.objects);
  const opened = new Map(
    CONCERNS.map((concern) => [concern, openObject(lib, join(options.objects, `${concern}.bpf.o`), root)]),
  );
  const before = pinnedBuild(lib, root);
  const pinned = new Set(readdirSync(links));
  const isPinned = (concern: Concern) =>
    programs(lib, [opened.get(concern)]).every(({ name }) => pinned.has(name));
  const continued = before === build && CONCERNS.every((concern) => OPTIONAL[concern] || isPinned(concern));

  // What runs already is not loaded again: the verifier's second of work would be a second more without a
  // proxy. Before Linux 5.15 tracepoint links can't be pinned, and end with the daemon.
  const wanted = CONCERNS.filter((concern) => !continued || concern === 'recover' || !isPinned(concern));
  const objects = new Map<Concern, Pointer>();
  const missing: string[] = [];
  for (const concern of wanted) {
    const result = lib.load(opened.get(concern));
    const cost = OPTIONAL[concern];
    if (result === 0) objects.set(concern, opened.get(concern));
    else if (cost) missing.push(`${concern}: ${cost} (${errorName(result)})`);
    else throw new KernelError(loadFailure(concern, result, before === null ? null : root));
  }
  const maps = openMaps(lib, mapFds(lib, objects.get('recover')));
  const hopOption = new HopOption(maps);
  const loaded = programs(lib, [...objects.values()]);
  const recover = objects.get('recover');
  return {
    maps,
    hopOption,
    continued,
    get missing() {
      return [...missing, ...hopOption.missing];
    },
    build,
    tasks: () => readTasks(lib, recover),
    attach(phase) {
      const part = loaded.filter(({ section }) => onCgroup(section) === (phase === 'enforce'));
      attachAll(lib, part, links, options.cgroup);
      if (phase === 'enforce') detachOthers(links, programs(lib, [...opened.values()]));
    },
  };
}

interface Program {
  readonly name: string;
  readonly section: string;
  readonly program: Pointer;
}

function programs(lib: Libbpf, objects: readonly Pointer[]): Program[] {
  const list: Program[] = [];
  for (const object of objects) {
    for (let program = lib.nextProgram(object, null); program; program = lib.nextProgram(object, program)) {
      const section = lib.sectionName(program);
      if (!section.startsWith('iter/'))
        list.push({ name: `${section.replaceAll('/', '-')}-${lib.programName(program)}`, section, program });
    }
  }
  return list;
}

function onCgroup(section: string): boolean {
  return section.startsWith('cgroup') || section === 'sockops';
}

function attachAll(lib: Libbpf, wanted: readonly Program[], links: string, cgroup: string): void {
  const fd = openSync(cgroup, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    for (const { name, section, program } of wanted) {
      const pin = join(links, name);
      if (existsSync(pin)) {
        if (onCgroup(section) && replace(lib, pin, program)) continue;
        unlinkSync(pin);
      }
      const link = onCgroup(section) ? lib.attachCgroup(program, fd) : lib.attach(program);
      if (!link)
        throw new KernelError(`can't attach ${section}: ${errorName(lib.errno())}. ${hintFor(section)}`);
      const pinned = lib.linkPin(link, pin);
      if (pinned !== 0 && !section.startsWith('tracepoint/'))
        throw new KernelError(`can't pin ${pin}: ${errorName(pinned)}`);
    }
  } finally {
    closeSync(fd);
  }
}

/** A program that another build had and this one has not would go on deciding. */
function detachOthers(links: string, ours: readonly Program[]): void {
  const names = new Set(ours.map(({ name }) => name));
  for (const pin of readdirSync(links)) if (!names.has(pin)) unlinkSync(join(links, pin));
}

function replace(lib: Libbpf, pin: string, program: Pointer): boolean {
  const link = lib.linkOpen(pin);
  if (!link) return false;
  const result = lib.linkUpdate(link, program);
  lib.linkDestroy(link);
  return result === 0;
}

function openObject(lib: Libbpf, path: string, pins: string): Pointer {
  if (!existsSync(path))
    throw new KernelError(`${path} is missing: run scripts/build-bpf, or install the package again`);
  const object = lib.open(path, null);
  if (!object) throw new KernelError(`${path} is not a BPF object: ${errorName(lib.errno())}`);
  const shared: readonly string[] = SHARED_MAPS;
  for (let map = lib.nextMap(object, null); map; map = lib.nextMap(object, map)) {
    const name = lib.mapName(map);
    if (!shared.includes(name)) continue;
    const result = lib.setPinPath(map, join(pins, name));
    if (result !== 0) throw new KernelError(`can't choose the pin of map ${name}: ${errorName(result)}`);
  }
  return object;
}

function mapFds(lib: Libbpf, object: Pointer): Map<string, number> {
  const fds = new Map<string, number>();
  for (let map = lib.nextMap(object, null); map; map = lib.nextMap(object, map))
    fds.set(lib.mapName(map), lib.mapFd(map));
  return fds;
}

/** The build whose programs are pinned; null where there are none. */
function pinnedBuild(lib: Libbpf, root: string): bigint | null {
  const pin = join(root, 'config');
  if (!existsSync(pin)) return null;
  const fd = lib.objGet(pin);
  if (fd < 0) return null;
  const value = new Uint8Array(hlConfigSize);
  const result = lib.lookup(fd, new Uint8Array(4), value);
  closeSync(fd);
  return result === 0 ? readHlConfig(new DataView(value.buffer), 0).build : null;
}

/** A digest of all objects, as the 64-bit number that the config map holds. */
function buildOf(directory: string): bigint {
  const hash = createHash('sha256');
  for (const concern of CONCERNS) {
    const path = join(directory, `${concern}.bpf.o`);
    if (existsSync(path)) hash.update(readFileSync(path));
  }
  return hash.digest().readBigUInt64LE(0);
}

/** linux/magic.h. */
const BPF_FS_MAGIC = 0xcafe4a11;

/** Asked before a directory is made: on sysfs, which lies below, Node's recursive mkdir never comes back. */
function requireBpffs(pins: string): void {
  let there = pins;
  while (!existsSync(there)) there = dirname(there);
  if (statfsSync(there).type === BPF_FS_MAGIC) return;
  throw new KernelError(
    `nothing can be pinned in ${pins}: ${there} is on no bpffs. Mount one: mount -t bpf bpf /sys/fs/bpf`,
  );
}

function loadFailure(concern: string, result: number, pins: string | null): string {
  if (result === -22 && pins !== null) {
    return `can't load ${concern}.bpf.o: maps of another layout are pinned in ${pins}. Detach what is there, which ends its enforcement, and start again: rm -r ${pins}`;
  }
  const hint =
    result === -1 || result === -13
      ? 'hoplined needs CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN, and a kernel that is not in lockdown=confidentiality'
      : result === -3 || result === -22 || result === -524
        ? 'the kernel is older than 5.10, lacks BTF (/sys/kernel/btf/vmlinux), or refuses the program: libbpf said why above'
        : '`hopline doctor` checks what the kernel half needs';
  return `can't load ${concern}.bpf.o: ${errorName(result)}. ${hint}`;
}

function hintFor(section: string): string {
  if (section.startsWith('tracepoint/')) return 'Mount tracefs: mount -t tracefs tracefs /sys/kernel/tracing';
  if (section.startsWith('cgroup') || section === 'sockops')
    return 'Is it a cgroup v2 directory? `hopline doctor` tells';
  return '`hopline doctor` checks what the kernel half needs';
}

/** Detaches the programs of other layouts, once this one's are attached: two would decide everything twice. */
export function removeOtherVersions(pins: string): string[] {
  const others = readdirSync(pins).filter((name) => /^v\d+$/.test(name) && name !== `v${HL_ABI}`);
  for (const name of others) rmSync(join(pins, name), { recursive: true, force: true });
  return others;
}
