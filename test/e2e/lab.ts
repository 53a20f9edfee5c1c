/** A lab by its name, from outside: its commands, and the files and daemons of its hosts. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ControlClient } from '../../src/api/client.ts';
import { cgroupMount } from '../cgroup.ts';

export const REPO = join(import.meta.dirname, '../..');
/** A lab starts and ends in seconds; on a busy machine, in minutes. */
const PATIENCE_MS = 300_000;

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  /** Standard input; without it, none. */
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** @returns the outcome, whatever it is: a test asserts what it expects; `code` is 255 where it was killed */
export function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
  env: NodeJS.ProcessEnv = process.env,
): Promise<Said> {
  const { input = '', timeoutMs = 60_000 } = options;
  return new Promise((resolve) => {
    const limits = { env, timeout: timeoutMs, maxBuffer: 1 << 28 };
    const child = execFile(file, args, limits, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? 255 : 0, out, err });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

export interface Lab {
  readonly name: string;
  readonly script: string;
  /** What `script` is run with. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs `scripts/lab` for this lab. */
  lab(args: readonly string[], options?: RunOptions): Promise<Said>;
  /** `lab`, where it has to succeed. @throws Error with what the command said */
  labOk(args: readonly string[], options?: RunOptions): Promise<string>;
  /** `lab`, while the test goes on. */
  labSpawn(args: readonly string[]): ChildProcessWithoutNullStreams;
  /** A login from the laptop that runs one command. */
  ssh(login: string, command: string, input?: string): Promise<Said>;
  /** The root directory of a host, seen from outside. */
  rootOf(host: string): string;
  /** The control socket of a bastion's daemon. */
  socketOf(host: string): string;
  /** Asks a bastion's daemon. @throws ControlError */
  client(host: string): Promise<ControlClient>;
  /** The lab's own cgroup, whose processes `lab down` ends. */
  cgroup(): string;
}

export function labOf(name: string): Lab {
  const script = join(REPO, 'scripts/lab');
  const env = { ...process.env, LAB_NAME: name };
  const lab: Lab['lab'] = (args, options) => {
    const patient = args[0] === 'up' || args[0] === 'down';
    return run(script, args, patient ? { timeoutMs: PATIENCE_MS, ...options } : options, env);
  };
  const rootOf = (host: string) => {
    const [pid] = readFileSync(`/run/hopline-${name}/${host}/init`, 'utf8').split(' ');
    return `/proc/${pid}/root`;
  };
  const socketOf = (host: string) => `${rootOf(host)}/run/hopline/control.sock`;
  return {
    name,
    script,
    env,
    lab,
    labOk: async (args, options) => {
      const { code, out, err } = await lab(args, options);
      if (code !== 0) throw new Error(`lab ${args.join(' ')} ended with ${code}: ${err || out}`);
      return out;
    },
    labSpawn: (args) => spawn(script, args, { env, stdio: 'pipe' }),
    ssh: (login, command, input = '') => lab(['ssh', login, '--', command], { input }),
    rootOf,
    socketOf,
    client: async (host) => ControlClient.connect({ path: socketOf(host) }),
    cgroup: () => `${cgroupMount() ?? '/sys/fs/cgroup'}/hopline-${name}`,
  };
}
