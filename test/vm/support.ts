/** What the tests of guests share: one run of scripts/vm-test, and what the scripts in test/vm/guest reported. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { HopJson, TreeLoginJson } from '../../src/api/json.ts';
import { type Expected, isHop } from '../e2e/assertions.ts';

const repository = join(import.meta.dirname, '../..');
export const VM_TEST = join(repository, 'scripts/vm-test');
export const guestScripts = join(import.meta.dirname, 'guest');

/** Why there can be no guest here; false where there can. */
export const reason =
  process.getuid?.() !== 0
    ? 'needs root: mounts'
    : process.arch !== 'x64'
      ? `guests are x86_64, this is ${process.arch}`
      : false;

/** What a run left, by name. */
export class Findings {
  readonly #texts: ReadonlyMap<string, string>;
  readonly status: number | null;
  /** What the guest's scripts said of their progress. */
  readonly said: string;

  constructor(status: number | null, stdout: string, said: string) {
    const lines = stdout.matchAll(/^@hopline (\S+) (\S*)$/gm);
    this.#texts = new Map(
      [...lines].map(([, name = '', text = '']) => [name, Buffer.from(text, 'base64').toString('utf8')]),
    );
    this.status = status;
    this.said = said;
  }

  /** @throws when the run did not come that far */
  text(name: string): string {
    const text = this.#texts.get(name);
    if (text === undefined) throw new Error(`the guest reported no ${name}`);
    return text;
  }

  /** Empty where the run did not come that far. */
  maybe(name: string): string {
    return this.#texts.get(name) ?? '';
  }

  json<T>(name: string): T {
    const text = this.text(name);
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new Error(`${name} is not JSON: ${text} ${this.maybe(`${name}.err`)}`);
    }
  }

  code(name: string): number {
    return Number(this.text(`${name}.code`));
  }
}

export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs scripts/vm-test. */
export function vmTest(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Run> {
  const child = spawn(VM_TEST, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** Runs a command that reports, in a guest: arguments of scripts/vm-test. */
export async function guest(args: readonly string[]): Promise<Findings> {
  const { status, stdout, stderr } = await vmTest(args);
  return new Findings(status, stdout, stderr);
}

/** A directory of this machine that guests see, with its mode open for the users in them; removed at the end. */
export function directory(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'hopline-vm-test.'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  chmodSync(dir, 0o755);
  return dir;
}

/** Fetches what guests need: a minute or two the first time. @throws with what vm-test said */
export function prepare(...what: readonly string[]): void {
  const { status } = spawnSync(VM_TEST, ['--prepare', ...what], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error(`vm-test --prepare ended with ${status}`);
}

/** Hopline as scripts/install puts it, below `root`, beside a PAM stack of Debian's. */
export function install(root: string): void {
  mkdirSync(join(root, 'etc/pam.d'), { recursive: true });
  writeFileSync(join(root, 'etc/pam.d/sshd'), readFileSync('/etc/pam.d/sshd'));
  execFileSync(join(repository, 'scripts/install'), ['--root', root], { stdio: ['ignore', 'ignore', 2] });
}

export function compile(source: string, to: string): void {
  execFileSync('gcc', ['-O1', '-Wall', '-Werror', '-o', to, join(repository, source)]);
}

/** One hop of the login is exactly this, is over, and one of the login's processes made it. */
export function hasHop(t: Test, what: string, login: TreeLoginJson, expected: Expected): HopJson | undefined {
  const hop = login.hops.find(
    ({ destination, transport, chain }) =>
      destination.address === expected.address &&
      destination.port === expected.port &&
      transport === (expected.transport ?? 'tcp') &&
      chain.join() === expected.chain.join(),
  );
  if (!hop) {
    t.fail(`${what}: no such hop`, { expected, hops: login.hops });
    return undefined;
  }
  isHop(t, { login, hop }, { target: null, ...expected }, what);
  t.ok(hop.ended, `${what}: it has ended`);
  return hop;
}

/** When something failed: what the guest said, so that nobody has to run it again to find out. */
export function explain(t: Test, findings: Findings, ...logs: readonly string[]): void {
  if (t.passing()) return;
  const said = logs.map((log) => [log, findings.maybe(log)]);
  t.fail('what the guest said', { vmTest: findings.said, ...Object.fromEntries(said) });
}
