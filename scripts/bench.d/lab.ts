/** The lab as the benchmark uses it: commands on its hosts and in its logins, the daemon's store, socket and processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ControlClient } from '../../src/api/client.ts';

export const ROOT = join(import.meta.dirname, '../..');
/** The load programs; the repository is at its own path on every host. */
export const LOAD = join(ROOT, 'dist/bench');
/** Hopline as an installation has it. */
export const APP = join(LOAD, 'app');
export const DIRECT = '10.98.0.1';
export const INSPECTED = '10.99.0.1';

export interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  /** Default 120 s; the command is killed then. */
  readonly timeoutMs?: number;
}

export class Lab {
  readonly name: string;
  readonly #children = new Set<ChildProcess>();

  constructor(name: string) {
    this.name = name;
  }

  /** `lab exec HOST`: outside of any login, as root unless the words begin with `--user`. */
  exec(host: string, command: readonly string[], options?: RunOptions): Promise<Ran> {
    return this.#run(['exec', host, '--', ...command], options);
  }

  /** In a login of its own, from the laptop. Words are read again by the remote shell. */
  ssh(login: string, command: readonly string[], options?: RunOptions): Promise<Ran> {
    return this.#run(['ssh', login, '--', ...command], options);
  }

  /** As a person on the laptop. */
  person(user: string, command: readonly string[], options?: RunOptions): Promise<Ran> {
    return this.#run(['exec', 'laptop', '--user', user, '--', ...command], options);
  }

  daemon(host: string, verb: string): Promise<Ran> {
    return this.#run(['daemon', host, verb]);
  }

  /** Runs until `stop` ends its standard input. Resolves when it has printed its first line. */
  async begin(
    words: readonly string[],
    timeoutMs = 60_000,
  ): Promise<{ first: string; stop(): Promise<void> }> {
    const child = this.#spawn(words);
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const first = await new Promise<string>((resolve, reject) => {
      let text = '';
      let complaint = '';
      const timer = setTimeout(
        () => reject(new Error(`${words.join(' ')}: nothing in ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
      child.stderr?.on('data', (chunk) => {
        complaint += chunk;
      });
      child.stdout?.on('data', (chunk) => {
        text += chunk;
        if (!text.includes('\n')) return;
        clearTimeout(timer);
        resolve(text.slice(0, text.indexOf('\n')));
      });
      child.once('close', () => {
        clearTimeout(timer);
        reject(new Error(`${words.join(' ')} ended: ${complaint.trim()}`));
      });
    });
    return {
      first,
      stop: async () => {
        child.stdin?.end();
        await ended;
      },
    };
  }

  /** Starts and leaves running until `close`. */
  background(words: readonly string[]): void {
    this.#spawn(words);
  }

  /** Ends what `begin` and `background` started. */
  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }

  /** A path on a host, as this machine sees it. */
  path(host: string, path: string): string {
    const [pid] = readFileSync(`/run/hopline-${this.name}/${host}/init`, 'utf8').split(' ');
    return `/proc/${pid}/root${path}`;
  }

  pins(host: string): string {
    const base = this.name === 'lab' ? host : `${this.name}-${host}`;
    const root = `/sys/fs/bpf/hopline-${base}`;
    const version = readdirSync(root).find((entry) => /^v\d+$/.test(entry));
    if (!version) throw new Error(`${root} holds no programs: does hoplined run on ${host}?`);
    return join(root, version);
  }

  cgroup(host: string): string {
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .find((line) => line.split(' ')[2] === 'cgroup2');
    return join(mount?.split(' ')[1] ?? '/sys/fs/cgroup', `hopline-${this.name}`, host);
  }

  /** Supervisor, workers and tripwire. */
  daemonPids(host: string): number[] {
    const file = join(this.cgroup(host), 'hoplined/cgroup.procs');
    if (!existsSync(file)) throw new Error(`hoplined does not run on ${host}`);
    return readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number);
  }

  /** Rows of a host's store, read beside the daemon: what is in it is what a query would say. */
  async query<Row>(host: string, sql: string, ...values: string[]): Promise<Row[]> {
    const helper = join(import.meta.dirname, 'query.ts');
    const { stdout } = await this.exec(host, [
      'node',
      '--disable-warning=ExperimentalWarning',
      helper,
      sql,
      ...values,
    ]);
    return JSON.parse(stdout) as Row[];
  }

  /**
   * Sees to it that the two destinations went the ways that they are named for.
   * @throws Error where a figure would compare something with itself
   */
  async checkWays(): Promise<void> {
    const rows = await this.query<{ address: string; mode: string; n: number }>(
      'bastion1',
      "SELECT address, mode, count(*) n FROM hops WHERE address IN (?, ?) AND transport = 'tcp' GROUP BY 1, 2",
      DIRECT,
      INSPECTED,
    );
    for (const { address, mode, n } of rows) {
      const meant = address === DIRECT ? 'direct' : 'inspect';
      if (mode !== meant)
        throw new Error(`${n} connections to ${address} are recorded as ${mode}, ${meant} was meant`);
    }
  }

  client(host: string): Promise<ControlClient> {
    return ControlClient.connect({ path: this.path(host, '/run/hopline/control.sock'), timeoutMs: 120_000 });
  }

  #spawn(words: readonly string[]): ChildProcess {
    const child = spawn(join(ROOT, 'scripts/lab'), words, { env: { ...process.env, LAB_NAME: this.name } });
    this.#children.add(child);
    child.once('close', () => this.#children.delete(child));
    return child;
  }

  #run(words: readonly string[], { input, timeoutMs = 120_000 }: RunOptions = {}): Promise<Ran> {
    const child = this.#spawn(words);
    return new Promise((resolve, reject) => {
      let stdout = '';
      let stderr = '';
      const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
      child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
        stdout += chunk;
      });
      child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
        stderr += chunk;
      });
      child.stdin?.on('error', () => {});
      child.stdin?.end(input ?? '');
      child.once('error', reject);
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        if (code === 0) resolve({ stdout, stderr });
        else
          reject(
            new Error(
              `lab ${words.slice(0, 6).join(' ')}: ${signal ?? `status ${code}`}\n${stderr.trim().slice(-2000)}`,
            ),
          );
      });
    });
  }
}
