import { HlKind, HlLineageFlag } from '../kernel/layouts.generated.ts';

/** A process that was there before the programs. */
export interface SeedTask {
  readonly pid: number;
  readonly ppid: number;
  readonly startNs: bigint;
  readonly uid: number;
  readonly loginuid: number;
  /** The audit session: it survives setsid, double fork, sudo and su. */
  readonly sessionid: number;
  readonly comm: string;
}

export interface SeedRoot {
  readonly kind: number;
  readonly leader: SeedTask;
  readonly loginuid: number;
}

export interface Seed {
  readonly task: SeedTask;
  readonly root: SeedRoot;
  readonly flags: number;
  readonly spawnKind: number;
}

export interface SeedOptions {
  readonly self: number;
  /** Base names of sshd, cron, … → kind, as the kernel has them. */
  readonly spawners: ReadonlyMap<string, number>;
  /** The command line, with sshd's own title where it has set one. */
  cmdline(pid: number): string;
}

const UNSET = 0xffffffff;

/**
 * Decides which root each process belongs to, from descent and audit sessions alone.
 *
 * An orphan whose audit session has no sshd, cron or login left alive belonged to somebody's session of
 * an unknown kind: it is a root that says so, with the session's user, and nobody's login.
 */
export function planSeeds(tasks: readonly SeedTask[], options: SeedOptions): Seed[] {
  const byPid = new Map(tasks.map((task) => [task.pid, task]));
  const init = findInit(tasks, byPid, options);
  const seeds = new Map<number, Seed>();
  const bySession = new Map<number, SeedRoot>();
  const orphans: SeedTask[] = [];

  const give = (task: SeedTask, root: SeedRoot, flags = 0, spawnKind = 0): Seed => {
    const seed = { task, root, flags, spawnKind };
    seeds.set(task.pid, seed);
    return seed;
  };
  const own = (task: SeedTask, kind: number, flags = 0, spawnKind = 0): Seed => {
    const root = { kind, leader: task, loginuid: task.loginuid };
    if (task.sessionid !== UNSET && isSession(kind)) bySession.set(task.sessionid, root);
    return give(task, root, flags, spawnKind);
  };

  const visit = (task: SeedTask): Seed | null => {
    const done = seeds.get(task.pid);
    if (done) return done;
    if (task.pid === options.self) return own(task, HlKind.SELF);
    if (task === init)
      return own(task, HlKind.SERVICE, HlLineageFlag.F_SPAWNER | HlLineageFlag.F_INIT, HlKind.SERVICE);
    const parentTask = byPid.get(task.ppid);
    if (!parentTask) {
      const kind = spawnerKind(task, options);
      return kind === null
        ? own(task, HlKind.UNATTRIBUTED)
        : own(task, HlKind.SERVICE, HlLineageFlag.F_SPAWNER, kind);
    }
    const parent = visit(parentTask);
    if (!parent) return null;
    if (parent.root.kind === HlKind.SELF) return give(task, parent.root);
    const spawned = (parent.flags & HlLineageFlag.F_SPAWNER) !== 0 && parent.task !== init;
    const spawner = options.spawners.get(task.comm);
    if (spawned)
      return own(
        task,
        parent.spawnKind,
        parent.spawnKind === HlKind.SSH ? 0 : HlLineageFlag.F_SPAWNER,
        parent.spawnKind,
      );
    if (spawner !== undefined && task.uid === 0 && !isSession(parent.root.kind)) {
      if (spawner === HlKind.CONSOLE) return own(task, HlKind.CONSOLE);
      if (spawner === HlKind.SSH && servesOne(options.cmdline(task.pid))) return own(task, HlKind.SSH);
      if (task.sessionid === UNSET) return own(task, HlKind.SERVICE, HlLineageFlag.F_SPAWNER, spawner);
    }
    if (parent.task !== init) return rooted(task, parent);
    if (task.comm === 'systemd') return own(task, HlKind.USER_MANAGER);
    if (task.sessionid === UNSET) return own(task, HlKind.SERVICE);
    orphans.push(task);
    return null;
  };
  const rooted = (task: SeedTask, parent: Seed): Seed => {
    if (task.sessionid !== UNSET && isSession(parent.root.kind)) bySession.set(task.sessionid, parent.root);
    return give(task, parent.root);
  };

  for (const task of tasks) visit(task);
  for (const orphan of new Set(orphans)) {
    const root = bySession.get(orphan.sessionid);
    if (root) give(orphan, root);
    else {
      const lost = own(orphan, HlKind.UNATTRIBUTED);
      bySession.set(orphan.sessionid, lost.root);
    }
  }
  for (const task of tasks) visit(task);
  return [...seeds.values()];
}

function isSession(kind: number): boolean {
  return (
    kind === HlKind.SSH ||
    kind === HlKind.CONSOLE ||
    kind === HlKind.JOB ||
    kind === HlKind.CRON ||
    kind === HlKind.AT
  );
}

/** Process 1; in a scope smaller than the machine, the oldest process whose parent is outside it. */
function findInit(
  tasks: readonly SeedTask[],
  byPid: ReadonlyMap<number, SeedTask>,
  options: SeedOptions,
): SeedTask | null {
  let init: SeedTask | null = null;
  for (const task of tasks) {
    if (task.pid === 1) return task;
    if (byPid.has(task.ppid) || spawnerKind(task, options) !== null) continue;
    if (init === null || task.startNs < init.startNs) init = task;
  }
  return init;
}

/** What a listener's forks are, for an sshd, cron and the like outside of every session. */
function spawnerKind(task: SeedTask, { spawners, cmdline }: SeedOptions): number | null {
  const kind = spawners.get(task.comm);
  if (kind === undefined || kind === HlKind.CONSOLE || task.uid !== 0 || task.sessionid !== UNSET)
    return null;
  return kind === HlKind.SSH && servesOne(cmdline(task.pid)) ? null : kind;
}

/** An sshd that serves one connection: started with -i, or by its title past the listener's work. */
function servesOne(cmdline: string): boolean {
  if (cmdline.startsWith('sshd: ')) return !cmdline.includes('[listener]');
  return /\s-[A-Za-z]*i/.test(cmdline);
}
