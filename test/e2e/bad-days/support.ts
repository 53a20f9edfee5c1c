/** What the failure tests share: a lab of their own, logins that stay, and the daemon from outside. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Method, Params, Results } from '../../../src/api/protocol.ts';
import { until as untilSeen } from '../../until.ts';
import { labOf, type Said as Outcome, REPO } from '../lab.ts';

export { type Outcome, REPO, sleep };

/** Never the lab of the other tests: this one is taken down and broken. */
const ours = labOf(process.env.BAD_DAYS_LAB ?? 'bad');
export const { name: LAB, lab, labOk, ssh } = ours;
export const PINS = `/sys/fs/bpf/hopline-${LAB}-bastion1`;

/** A fresh lab, whatever an earlier run that was killed has left. */
export async function labUp(options: { daemon: boolean; only?: string }): Promise<void> {
  await labOk(['down']);
  const only = options.only ? ['--only', options.only] : [];
  await labOk(['up', ...(options.daemon ? [] : ['--no-daemon']), ...only]);
}

export async function labDown(): Promise<void> {
  const { code, err } = await lab(['down']);
  if (code !== 0) console.error(`lab down ended with ${code}: ${err}`);
}

export const exec = (host: string, ...command: string[]) => lab(['exec', host, '--', ...command]);
/** The hopline command on bastion1: its files are that host's. */
export const hopline = (...args: string[]) => lab(['hopline', 'bastion1', '--', ...args]);
export const daemon = (verb: 'start' | 'stop' | 'kill' | 'restart' | 'log') =>
  lab(['daemon', 'bastion1', verb], { timeoutMs: 90_000 });

/** A path of bastion1 as it is seen from here. */
export const inside = (path: string, host = 'bastion1'): string => ours.rootOf(host) + path;

export function write(path: string, text: string): void {
  mkdirSync(dirname(inside(path)), { recursive: true });
  writeFileSync(inside(path), text);
}

export const read = (path: string): string => readFileSync(inside(path), 'utf8');

/** The supervisor's pid, as the lab knows it. */
export function daemonPid(): number {
  return Number(readFileSync(`/run/hopline-${LAB}/bastion1/hoplined`, 'utf8').split(' ')[0]);
}

/** One question to bastion1's daemon. @throws ControlError */
export async function ask<M extends Method>(method: M, params: Params[M]): Promise<Results[M]> {
  using client = await ours.client('bastion1');
  return await client.call(method, params);
}

export const status = () => ask('status', {});
export const notices = (kind?: string) => ask('notices', { ...(kind ? { kind } : {}), limit: 10_000 });
export const hops = (params: Params['hops'] = {}) => ask('hops', { limit: 100_000, ...params });

/** Looks until `look` finds something. @throws Error naming `what` when the time is up */
export const until = <T>(what: string, look: () => T | Promise<T>, timeoutMs = 60_000) =>
  untilSeen(look, what, timeoutMs);

export function alive(pid: number): boolean {
  try {
    // What its parent has not yet waited for runs no more.
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

const NS_PER_TICK = 10_000_000n;

/** Whether this very process runs: a pid that was given out again began at another time (proc_pid_stat(5), field 22). */
export function runs({ pid, startNs }: { readonly pid: number; readonly startNs: string }): boolean {
  if (!alive(pid)) return false;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return BigInt(fields[19] ?? 0) === BigInt(startNs) / NS_PER_TICK;
}

/** Starts a program that ends with the lab at the latest. */
export function spawnInLab(command: readonly string[]): ChildProcessWithoutNullStreams {
  const enter = `echo $$ >${ours.cgroup()}/cgroup.procs && exec "$@"`;
  return spawn('sh', ['-c', enter, 'sh', ...command], { stdio: 'pipe' });
}

/** A login that stays: its shell reads commands from here. */
export class Shell {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #waiting: ((line: string) => void)[] = [];
  #lines: string[] = [];
  #ended = false;

  constructor(login: string) {
    this.#child = ours.labSpawn(['ssh', login, '--', 'exec bash -s']);
    this.#child.stdin.on('error', () => {});
    this.#child.on('close', () => {
      this.#ended = true;
      for (const done of this.#waiting.splice(0)) done('255 the login ended');
    });
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      if (line.startsWith('DONE ')) this.#waiting.shift()?.(line.slice(5));
      else this.#lines.push(line);
    });
  }

  /** Runs one line of shell, one after the other. */
  async run(command: string): Promise<{ code: number; out: string }> {
    if (this.#ended) return { code: 255, out: 'the login ended' };
    const done = new Promise<string>((resolve) => this.#waiting.push(resolve));
    this.#child.stdin.write(`${command}\necho "DONE $?"\n`);
    const code = Number.parseInt(await done, 10);
    const out = this.#lines.join('\n');
    this.#lines = [];
    return { code, out };
  }

  /** Starts what goes on by itself below this login. */
  background(script: string): void {
    this.#child.stdin.write(`{ ${script}\n} </dev/null >/dev/null 2>&1 &\n`);
  }

  close(): void {
    this.#child.stdin.end();
  }
}

/** The id of the login to which the shell belongs. */
export async function loginOf(shell: Shell): Promise<string> {
  const { out } = await shell.run('/bin/echo $$; /bin/echo $$ >/dev/null');
  return await until(`a login with pid ${out}`, async () => {
    const { logins } = await ask('tree', { limit: 1000 });
    return logins.find(({ processes }) => processes.some((one) => one.pid === Number(out) && runs(one)))?.id;
  });
}

/** A helper program in C, compiled into bastion1. */
export function compile(source: string, path: string): void {
  execFileSync('cc', ['-O1', '-o', inside(path), join(import.meta.dirname, source)]);
}

/** True where these tests can run at all; else the reason is printed. */
export const rootOnly = process.getuid?.() === 0 ? null : 'the lab makes namespaces and cgroups: run as root';
