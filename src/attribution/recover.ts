import { bigIntFromId } from '../core/ids.ts';
import type { Id, Login, Micros, Process } from '../core/types.ts';
import {
  type HlKey,
  HlKind,
  type HlLineage,
  HlLineageFlag,
  type HlTask,
} from '../kernel/layouts.generated.ts';
import type { KernelMaps } from '../kernel/maps.ts';
import type { Attribution } from './attribution.ts';
import { type Held, heldRoots, holdRoot, settleRoots } from './count.ts';
import { type Image, imageKey, imageOfRow, processKey } from './image.ts';
import { splitArgv } from './images.ts';
import { labelOf } from './label.ts';
import { readCmdline, readExe } from './proc.ts';
import { redactArgv } from './redact.ts';
import type { Root } from './roots.ts';
import { planSeeds, type SeedRoot } from './seed.ts';

export interface RecoverOptions {
  readonly maps: KernelMaps;
  tasks(): HlTask[];
  readonly attribution: Attribution;
  /** What the record says was alive on this boot. */
  readonly known: { readonly logins: readonly Login[]; readonly processes: readonly Process[] };
  readonly self: number;
  readonly spawners: ReadonlyMap<string, number>;
  /** The programs ran before this start. */
  readonly continued: boolean;
  /** Takes in the events that wait in the ring. */
  drain(): void;
  now(): Micros;
  toMicros(bootNs: bigint): Micros;
}

const PASSES = 6;

export interface Recovered {
  /** Processes that the kernel had to be told about. */
  readonly seeded: number;
  /** Logins of the record of which nothing lives any more. */
  readonly gone: readonly Login[];
  /** Images of the record whose process has gone; the ring may still hold how each ended. */
  readonly missing: readonly Image[];
}

/**
 * Tells the kernel about every process that was there before the programs, and takes up again what the
 * record already knew. Runs while new forks are traced: a process born of one not yet told about is
 * found by the next pass.
 */
export function recover(options: RecoverOptions): Recovered {
  const { maps, known } = options;
  const loginOfProcess = new Map(
    known.processes.map((process) => [`${process.pid}.${process.startNs}`, process.login]),
  );
  const images = takeUpRecord(options);
  const seeded: HlKey[] = [];
  const held = new Map<bigint, Held | null>();
  let tasks: HlTask[] = [];
  for (let pass = 0; pass < PASSES; pass++) {
    tasks = options.tasks().filter((task) => task.inScope && !task.kernelThread);
    if (tasks.every((task) => maps.lineage.get(task.proc) !== null)) break;
    seeded.push(...seedPass(options, tasks, loginOfProcess, held));
  }
  tasks.sort((a, b) => Number(a.proc.startNs - b.proc.startNs));
  const alive = new Set(tasks.map(({ proc }) => processKey(proc)));
  unseed(options, seeded);
  // Between the programs of another build and these, forks and exits were not counted.
  for (const id of options.continued ? heldRoots(maps) : maps.roots.keys())
    if (!held.has(id)) held.set(id, null);
  settleRoots(maps, held);

  const lines = tasks.flatMap((task) => {
    const line = maps.lineage.get(task.proc);
    return line && line.kind !== HlKind.SELF
      ? [{ task, line, root: takeUpRoot(options, line, task).id }]
      : [];
  });
  // What was executed while no daemon was there is told better by its event than by /proc. At a first start
  // it is the other way round: events are of children of what /proc tells.
  if (options.continued) options.drain();
  const byPid = new Map(tasks.map((task) => [task.proc.tgid, task]));
  for (const { task, line, root } of lines) takeUpImage(options, byPid, task, line, root, 0);
  if (!options.continued) options.drain();
  const roots = new Set(lines.map(({ root }) => root));
  return {
    seeded: seeded.length,
    gone: known.logins.filter((login) => !roots.has(login.id)),
    missing: images.filter(({ key }) => !alive.has(key)),
  };
}

/** What lived when the record was last written, whether it still does or not: events name it. */
function takeUpRecord({ attribution, known, maps }: RecoverOptions): Image[] {
  for (const login of known.logins) {
    const kernelId = bigIntFromId(login.id);
    if (kernelId === null) continue;
    const leader = maps.roots.get(kernelId)?.leader;
    attribution.roots.resume(login, kernelId, leader ? processKey(leader) : '');
  }
  const byId = new Map<number, Image>();
  const exited = new Map<number, Image | null>();
  const above = (row: Process): Image | null => {
    if (row.parent === null) return null;
    const found = byId.get(row.parent) ?? exited.get(row.parent);
    if (found !== undefined) return found;
    const parent = attribution.images.above(row);
    exited.set(row.parent, parent);
    return parent;
  };
  for (const row of known.processes) {
    const image = imageOfRow(row, above(row));
    byId.set(row.id, image);
    attribution.images.add(image);
  }
  return [...byId.values()];
}

/** @returns the keys that the kernel had not known */
function seedPass(
  options: RecoverOptions,
  tasks: readonly HlTask[],
  loginOfProcess: ReadonlyMap<string, Id>,
  held: Map<bigint, Held | null>,
): HlKey[] {
  const { maps } = options;
  const seeds = planSeeds(tasks.map(seedTask), {
    self: options.self,
    spawners: options.spawners,
    cmdline: (pid) => readCmdline(pid)?.toString('utf8').replaceAll('\0', ' ') ?? '',
  });
  const keys = new Map(tasks.map(({ proc }) => [proc.tgid, proc]));
  const ids = new Map<SeedRoot, bigint>();
  for (const { task, root } of seeds) {
    const login = loginOfProcess.get(`${task.pid}.${task.startNs}`);
    const id = login ? bigIntFromId(login) : null;
    if (id !== null) ids.set(root, id);
  }
  const added: HlKey[] = [];
  let minted = BigInt(options.now());
  for (const { task, root, flags, spawnKind } of seeds) {
    const key = { tgid: task.pid, startNs: task.startNs };
    if (maps.lineage.get(key) !== null) continue;
    const parentKey = keys.get(task.ppid);
    const parent = parentKey ? maps.lineage.get(parentKey) : null;
    const inherits =
      parent !== null && parent.kind !== HlKind.SELF && (parent.flags & HlLineageFlag.F_SPAWNER) === 0;
    const id = inherits ? parent.root : (ids.get(root) ?? (minted++ << 8n) | 255n);
    const kind = inherits ? parent.kind : root.kind;
    if (!inherits) ids.set(root, id);
    const line: HlLineage = {
      root: id,
      owner: key,
      image: 1,
      execs: 1,
      kind,
      spawnKind,
      flags: flags | HlLineageFlag.F_KNOWN,
    };
    const known = held.get(id) ?? { leader: leaderOf(maps, id, root), kind };
    held.set(id, known);
    // Before the line: a fork inherits the line at once, and is counted where there is something to count in.
    holdRoot(maps, id, known);
    if (maps.lineage.add(key, line)) added.push(key);
  }
  return added;
}

function leaderOf({ roots }: KernelMaps, id: bigint, { leader }: SeedRoot): HlKey {
  return roots.get(id)?.leader ?? { tgid: leader.pid, startNs: leader.startNs };
}

/**
 * A process that exited between being seen and being told about: its exit found nothing to take away. So did the exits
 * that happened while the programs of another build had been detached and these were not attached.
 */
function unseed({ maps, continued, tasks }: RecoverOptions, seeded: readonly HlKey[]): void {
  const suspects = continued ? seeded : maps.lineage.keys();
  if (suspects.length === 0) return;
  const here = new Set(tasks().map(({ proc }) => processKey(proc)));
  for (const key of suspects) if (!here.has(processKey(key))) maps.lineage.delete(key);
}

function seedTask(task: HlTask) {
  const { tgid: pid, startNs } = task.proc;
  const comm = Buffer.from(task.comm).toString('utf8').replace(/\0.*$/s, '');
  return {
    pid,
    startNs,
    ppid: task.ppid,
    uid: task.uid,
    loginuid: task.loginuid,
    sessionid: task.sessionid,
    comm,
  };
}

function takeUpRoot(options: RecoverOptions, line: HlLineage, task: HlTask): Root {
  const { roots } = options.attribution;
  const known = roots.byKernelId(line.root);
  if (known) return known;
  const leader = processKey(options.maps.roots.get(line.root)?.leader ?? task.proc);
  const started = options.toMicros(task.proc.startNs);
  return roots.begin({ kernelId: line.root, kind: line.kind, leader, at: started, recovered: true });
}

function takeUpImage(
  options: RecoverOptions,
  byPid: ReadonlyMap<number, HlTask>,
  task: HlTask,
  line: HlLineage,
  root: Id,
  depth: number,
): Image | null {
  const { attribution, maps } = options;
  const known = attribution.images.get(imageKey(line.owner, line.image));
  if (known) return known;
  if (line.owner.tgid !== task.proc.tgid || line.owner.startNs !== task.proc.startNs) return null;
  const parentTask = byPid.get(task.ppid);
  const parentLine = parentTask ? maps.lineage.get(parentTask.proc) : null;
  const parent =
    parentTask && parentLine && parentLine.root === line.root && depth < 512
      ? takeUpImage(options, byPid, parentTask, parentLine, root, depth + 1)
      : null;
  const image = fromProc(options, task, line, parent, root);
  attribution.images.add(image);
  if (!image.plumbing) {
    const owner = attribution.roots.get(root);
    if (owner && owner.kind !== 'unattended') attribution.recovered(owner, image);
  }
  return image;
}

function fromProc(
  options: RecoverOptions,
  task: HlTask,
  line: HlLineage,
  parent: Image | null,
  root: Id,
): Image {
  const pid = task.proc.tgid;
  const raw = readCmdline(pid) ?? Buffer.alloc(0);
  const argv = redactArgv(splitArgv(raw.subarray(0, 4096)));
  const exe = readExe(pid);
  const comm = Buffer.from(task.comm).toString('utf8').replace(/\0.*$/s, '');
  const name = exe ? exe.slice(exe.lastIndexOf('/') + 1).replace(/ \(deleted\)$/, '') : comm;
  return {
    key: processKey(task.proc),
    pid,
    startNs: task.proc.startNs,
    image: line.image,
    root,
    parent,
    omitted: null,
    depth: 0,
    ppid: task.ppid,
    exe: exe ?? comm,
    exeVerified: exe !== null,
    label: labelOf(name, '', argv),
    argv,
    argvBytes: raw.length,
    uid: task.uid,
    started: options.toMicros(task.proc.startNs),
    recovered: true,
    plumbing: (parent === null || parent.plumbing) && options.attribution.isPlumbing(name, exe, argv),
    setup: false,
    stored: null,
  };
}
