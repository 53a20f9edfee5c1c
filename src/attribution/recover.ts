import { bigIntFromId } from '../core/ids.ts';
import type { Id, Login, Micros, Process } from '../core/types.ts';
import { HlKind, type HlLineage, HlLineageFlag, type HlTask } from '../kernel/layouts.generated.ts';
import type { KernelMaps } from '../kernel/maps.ts';
import type { Attribution } from './attribution.ts';
import { type Image, imageKey, labelOf, processKey } from './image.ts';
import { splitArgv } from './images.ts';
import { readCmdline, readExe } from './proc.ts';
import { redactArgv } from './redact.ts';
import { planSeeds, type SeedRoot } from './seed.ts';

export interface RecoverOptions {
  readonly maps: KernelMaps;
  tasks(): HlTask[];
  readonly attribution: Attribution;
  /** What the record says was alive on this boot. */
  readonly known: { readonly logins: readonly Login[]; readonly processes: readonly Process[] };
  readonly self: number;
  readonly spawners: ReadonlyMap<string, number>;
  now(): Micros;
  toMicros(bootNs: bigint): Micros;
}

const PASSES = 6;

/**
 * Tells the kernel about every process that was there before the programs, and takes up again what the
 * record already knew. Runs while new forks are traced: a process born of one not yet told about is
 * found by the next pass.
 * @returns how many processes had to be told about, and the logins of the record that have gone meanwhile
 */
export function recover(options: RecoverOptions): { seeded: number; gone: readonly Login[] } {
  const { maps, known } = options;
  const stored = new Map(
    known.processes.map((process) => [`${process.pid}.${process.startNs}.${process.image}`, process]),
  );
  const loginOfProcess = new Map(
    known.processes.map((process) => [`${process.pid}.${process.startNs}`, process.login]),
  );
  const logins = new Map(known.logins.map((login) => [login.id, login]));
  let seeded = 0;
  let tasks: HlTask[] = [];
  for (let pass = 0; pass < PASSES; pass++) {
    tasks = options.tasks().filter((task) => task.inScope && !task.kernelThread);
    const fresh = tasks.filter((task) => maps.lineage.get(task.proc) === null);
    if (fresh.length === 0) break;
    seeded += fresh.length;
    seedPass(options, tasks, loginOfProcess);
  }
  const alive = new Set<Id>();
  const byPid = new Map(tasks.map((task) => [task.proc.tgid, task]));
  const seen = new Map<string, Image>();
  for (const task of tasks) {
    const line = maps.lineage.get(task.proc);
    if (!line || line.kind === HlKind.SELF) continue;
    const root = takeUpRoot(options, logins, line, task);
    alive.add(root.id);
    takeUpImage(options, stored, byPid, seen, task, line, root.id, 0);
  }
  return { seeded, gone: known.logins.filter((login) => !alive.has(login.id)) };
}

function seedPass(
  options: RecoverOptions,
  tasks: readonly HlTask[],
  loginOfProcess: ReadonlyMap<string, Id>,
): void {
  const { maps } = options;
  const seeds = planSeeds(tasks.map(seedTask), {
    self: options.self,
    spawners: options.spawners,
    cmdline: (pid) => readCmdline(pid)?.toString('utf8').replaceAll('\0', ' ') ?? '',
  });
  const ids = new Map<SeedRoot, bigint>();
  for (const { task, root } of seeds) {
    const login = loginOfProcess.get(`${task.pid}.${task.startNs}`);
    const id = login ? bigIntFromId(login) : null;
    if (id !== null) ids.set(root, id);
  }
  let minted = BigInt(options.now());
  for (const { task, root, flags, spawnKind } of seeds) {
    const id = ids.get(root) ?? (minted++ << 8n) | 255n;
    ids.set(root, id);
    const key = { tgid: task.pid, startNs: task.startNs };
    const line: HlLineage = {
      root: id,
      owner: key,
      image: 1,
      execs: 1,
      kind: root.kind,
      spawnKind,
      flags: flags | HlLineageFlag.F_KNOWN,
    };
    if (!maps.lineage.add(key, line)) continue;
    const before = maps.roots.get(id);
    maps.roots.set(id, { live: (before?.live ?? 0) + 1, kind: root.kind, revoked: before?.revoked ?? 0 });
  }
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

function takeUpRoot(options: RecoverOptions, logins: ReadonlyMap<Id, Login>, line: HlLineage, task: HlTask) {
  const { roots } = options.attribution;
  const known = roots.byKernelId(line.root);
  if (known) return known;
  const started = options.toMicros(task.proc.startNs);
  const root = roots.begin({
    kernelId: line.root,
    kind: line.kind,
    leader: processKey(task.proc),
    at: started,
    recovered: true,
  });
  const login = logins.get(root.id);
  return login ? roots.resume(login, line.root, root.leader) : root;
}

function takeUpImage(
  options: RecoverOptions,
  stored: ReadonlyMap<string, Process>,
  byPid: ReadonlyMap<number, HlTask>,
  seen: Map<string, Image>,
  task: HlTask,
  line: HlLineage,
  root: Id,
  depth: number,
): Image | null {
  const { attribution, maps } = options;
  const key = imageKey(line.owner, line.image);
  const known = attribution.images.get(key) ?? seen.get(key);
  if (known) return known;
  if (line.owner.tgid !== task.proc.tgid || line.owner.startNs !== task.proc.startNs) return null;
  const row = stored.get(key);
  const parentTask = byPid.get(task.ppid);
  const parentLine = parentTask ? maps.lineage.get(parentTask.proc) : null;
  const parent =
    parentTask && parentLine && parentLine.root === line.root && depth < 512
      ? takeUpImage(options, stored, byPid, seen, parentTask, parentLine, root, depth + 1)
      : null;
  const image = row ? fromRow(row, parent, root) : fromProc(options, task, line, parent, root);
  seen.set(key, image);
  attribution.images.add(image);
  if (image.stored === null && !image.plumbing) {
    const owner = attribution.roots.get(root);
    if (owner && owner.kind !== 'unattended') attribution.recovered(owner, image);
  }
  return image;
}

function fromRow(row: Process, parent: Image | null, root: Id): Image {
  const name = row.exe.slice(row.exe.lastIndexOf('/') + 1);
  return {
    key: `${row.pid}.${row.startNs}`,
    pid: row.pid,
    startNs: BigInt(row.startNs),
    image: row.image,
    root,
    parent,
    ppid: row.ppid,
    exe: row.exe,
    exeVerified: row.exeVerified,
    label: labelOf(name, row.argv[1] ?? '', row.argv),
    argv: row.argv,
    argvBytes: row.argvBytes,
    uid: row.uid,
    started: row.started,
    recovered: row.recovered,
    plumbing: false,
    setup: false,
    stored: row.id,
  };
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
  const argv = splitArgv(raw.subarray(0, 4096));
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
    ppid: task.ppid,
    exe: exe ?? comm,
    exeVerified: exe !== null,
    label: labelOf(name, argv[1] ?? '', argv),
    argv: redactArgv(argv),
    argvBytes: raw.length,
    uid: task.uid,
    started: options.toMicros(task.proc.startNs),
    recovered: true,
    plumbing: (parent === null || parent.plumbing) && options.attribution.isPlumbing(name),
    setup: false,
    stored: null,
  };
}
