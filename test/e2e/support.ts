/**
 * What the end-to-end tests share: one lab, real logins into it, and the record as `hopline` gives it.
 *
 * Every file uses the lab named by LAB_NAME (default `e2e`) and starts it where it does not run; it is left running
 * for the next file, and `scripts/e2e` takes it down. Files run beside each other: a test finds its own login by a
 * mark that no other test has. bastion1 is shared and never restarted or reconfigured; bastion2 is, and who uses it
 * takes `exclusively('bastion2', …)`.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { realpathSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Test } from 'tap';
import type { ControlClient } from '../../src/api/client.ts';
import type { HandoffJson, HopJson, NoticeJson, TreeLoginJson } from '../../src/api/json.ts';
import { ControlError } from '../../src/api/protocol.ts';
import { until } from '../until.ts';
import { labOf, REPO, type RunOptions, run, type Said } from './lab.ts';

export { type Said, until };
export type Bastion = 'bastion1' | 'bastion2';
export type Host = Bastion | 'laptop' | 'web1' | 'db1';

export interface Options extends RunOptions {
  /** Options of the ssh client. */
  readonly ssh?: readonly string[];
  /** Address by which the bastion is reached; its IPv4 address where none is given. */
  readonly family?: Family;
}

const ours = labOf(process.env.LAB_NAME ?? 'e2e');
export const { name: labName, script: labScript, env: labEnv, lab, rootOf } = ours;

/** Where the programs that tests run on a bastion lie: the repository is there at its own path. */
export const programs = join(import.meta.dirname, 'programs');
/** As the kernel names the files behind these links: so do chains. */
export const PYTHON = basename(realpathSync('/usr/bin/python3'));
export const SH = basename(realpathSync('/bin/sh'));

/** Shell: programs/dial.py, which connects in one of many ways. */
export const dial = (way: string, address: string, port: number, word: string) =>
  `python3 ${programs}/dial.py ${way} ${address} ${port} ${word}`;
/** As it is in a chain. */
export const DIAL = `${PYTHON} dial.py`;

const NUMBERS: Readonly<Record<Host | 'vault', number>> = {
  laptop: 2,
  bastion1: 11,
  bastion2: 12,
  db1: 20,
  web1: 30,
  vault: 66,
};

/** An address as it is before a port, and in a URL. */
export const bracketed = (address: string) => (address.includes(':') ? `[${address}]` : address);

export interface Family {
  readonly name: 'IPv4' | 'IPv6';
  readonly version: '4' | '6';
  readonly loopback: string;
  address(host: Host | 'vault'): string;
  url(host: Host | 'vault', port: number, path: string): string;
}

function family(version: '4' | '6', loopback: string, network: string): Family {
  const address = (host: Host | 'vault') => network + NUMBERS[host];
  const url = (host: Host | 'vault', port: number, path: string) =>
    `http://${bracketed(address(host))}:${port}/${path}`;
  return { name: `IPv${version}`, version, loopback, address, url };
}
export const IPV4 = family('4', '127.0.0.1', '10.77.0.');
export const IPV6 = family('6', '::1', 'fd77::');
export const FAMILIES: readonly Family[] = [IPV4, IPV6];

/** A word that occurs nowhere else. */
export function mark(): string {
  return `m${randomBytes(6).toString('hex')}`;
}

/** Starts the lab where it does not run. @throws with what the lab said */
export async function labUp(): Promise<void> {
  if (process.env.HOPLINE_E2E_UP === labName) return;
  await ours.labOk(['up']);
}

/** Arguments of `scripts/lab` for a login with the real ssh client. */
export function sshArgs(user: string, host: Host, command: string, options: Options = {}): string[] {
  const to = `${user}@${(options.family ?? IPV4).address(host)}`;
  return ['ssh', to, ...(options.ssh ?? []), ...(command === '' ? [] : ['--', command])];
}

/** A login from the laptop that runs one command. */
export function ssh(user: string, host: Host, command: string, options: Options = {}): Promise<Said> {
  return lab(sshArgs(user, host, command, options), options);
}

export interface Running {
  readonly pid: number;
  /** Everything it has written so far, output and errors. */
  said(): string;
  write(text: string): void;
  /** Ends its input; it goes on. */
  end(): void;
  /** Resolves when what it has written matches. @throws after a minute */
  until(pattern: RegExp): Promise<void>;
  /** Ends its input, and it where that is not enough. */
  stop(): Promise<void>;
  readonly ended: Promise<number>;
}

/** A command of `scripts/lab` that goes on while the test does something else; ended by the test's teardown. */
export function start(t: Test, args: readonly string[]): Running {
  const child = ours.labSpawn(args);
  let text = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (text += chunk));
  child.stdin.on('error', () => {});
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? 255)));
  const stop = async () => {
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGTERM'), 300);
    await ended;
    clearTimeout(timer);
  };
  t.teardown(stop);
  return {
    pid: child.pid ?? 0,
    said: () => text,
    write: (input) => child.stdin.write(input),
    end: () => child.stdin.end(),
    until: async (pattern) => {
      await until(() => pattern.test(text), `${pattern}`).catch((error: Error) => {
        throw new Error(`${error.message} in ${JSON.stringify(text)}`);
      });
    },
    stop,
    ended,
  };
}

/** A command on a host, as root unless said, outside of any login: as a service would run. */
export function service(host: Host, command: string, user = 'root', options?: Options): Promise<Said> {
  return lab(['exec', host, '--user', user, '--', 'sh', '-c', command], options);
}

/** Lets what waits for {@link gate} on a host go on. */
export function openGate(host: Host, word: string): void {
  writeFileSync(`${rootOf(host)}/tmp/gate-${word}`, '');
}

/** Shell: waits until the test has seen what it wants to see, three minutes at most. */
export function gate(word: string): string {
  return `for i in $(seq 1800); do [ -e /tmp/gate-${word} ] && break; sleep 0.1; done`;
}

/** Shell: waits until a daemon listens that has left who started it: then it writes its number. A minute at most. */
export function listensBy(pidFile: string): string {
  return `for i in $(seq 600); do [ -s ${pidFile} ] && break; sleep 0.1; done; [ -s ${pidFile} ]`;
}

/** The hopline command of this checkout, on a host's daemon. */
export function hopline(host: Bastion, args: readonly string[]): Promise<Said> {
  const cli = ['--disable-warning=ExperimentalWarning', join(REPO, 'src/hopline.ts')];
  return run(process.execPath, [...cli, '--socket', ours.socketOf(host), '--no-color', ...args]);
}

async function json<T>(host: Bastion, args: readonly string[]): Promise<T> {
  const { code, out, err } = await hopline(host, ['--json', ...args]);
  if (code !== 0) throw new Error(`hopline ${args.join(' ')}: exit ${code}, ${err}`);
  return JSON.parse(out);
}

/** A login as `hopline tree LOGIN --json` has it. */
export async function tree(host: Bastion, login: string): Promise<TreeLoginJson> {
  const [found] = await json<TreeLoginJson[]>(host, ['tree', login]);
  if (!found) throw new Error(`no tree of ${login}`);
  return found;
}

export const hops = (host: Bastion, args: readonly string[] = []) => json<HopJson[]>(host, ['hops', ...args]);
export const notices = (host: Bastion, args: readonly string[] = []) =>
  json<NoticeJson[]>(host, ['notices', ...args]);
export const handoffs = (host: Bastion, args: readonly string[] = []) =>
  json<HandoffJson[]>(host, ['handoffs', ...args]);

const MARK = /\bm[0-9a-f]{12}\b/g;
/** Logins that need no second look: they carry a mark, or are over without one. */
const settled = new Set<string>();
/** Login by `host mark`. */
const found = new Map<string, string>();
let looks = 0;

/** The id of the login in which `word`, a mark, is in some program's arguments. */
async function loginWith(client: ControlClient, host: Bastion, word: string): Promise<string | null> {
  const known = found.get(`${host} ${word}`);
  if (known !== undefined) return known;
  looks += 1;
  // The one that is looked for began before hundreds of others, maybe: now and then it is looked for among them all.
  const limit = looks % 20 === 0 ? 5000 : 200;
  for (const { id, ended, lingering } of await client.call('logins', { all: true, limit })) {
    if (settled.has(id)) continue;
    const { logins } = await client.call('tree', { login: id });
    const said = logins.flatMap(({ processes }) => processes.flatMap(({ argv }) => argv)).join('\n');
    const marks = said.match(MARK) ?? [];
    // The first: a command says its own mark before another that it uses.
    if (marks[0] !== undefined) found.set(`${host} ${marks[0]}`, id);
    if (marks.length > 0 || (ended !== null && !lingering)) settled.add(id);
  }
  return found.get(`${host} ${word}`) ?? null;
}

/**
 * Waits for a login in which `word` is in some program's arguments, and that is as expected.
 * @returns it as `hopline tree LOGIN --json` has it
 */
export async function waitForLogin(
  host: Bastion,
  word: string,
  ready: (login: TreeLoginJson) => boolean = () => true,
  timeoutMs?: number,
): Promise<TreeLoginJson> {
  let seen: TreeLoginJson | undefined;
  const look = async () => {
    using client = await ours.client(host);
    const id = await loginWith(client, host, word);
    if (id === null) return null;
    [seen] = (await client.call('tree', { login: id })).logins;
    return seen && ready(seen) ? id : null;
  };
  const id = await until(
    () => look().catch(unreachable),
    `a login with ${word}, as expected`,
    timeoutMs,
  ).catch((error: Error) => {
    throw new Error(`${error.message}; last seen: ${JSON.stringify(seen)?.slice(0, 6000)}`);
  });
  return tree(host, id);
}

/** A daemon that a test restarts is asked again. */
function unreachable(error: Error): null {
  if (error instanceof ControlError && /unreachable|closed|timeout/.test(error.code)) return null;
  throw error;
}

export interface Found {
  readonly login: TreeLoginJson;
  readonly hop: HopJson;
}

/** Waits for a hop of the login with `word`. */
export async function waitForHop(
  host: Bastion,
  word: string,
  predicate: (hop: HopJson) => boolean = () => true,
  timeoutMs?: number,
): Promise<Found> {
  const has = (login: TreeLoginJson) => login.hops.some(predicate);
  const login = await waitForLogin(host, word, has, timeoutMs);
  const hop = login.hops.find(predicate);
  if (!hop) throw new Error(`hopline tree ${login.id} lacks a hop that the daemon told of`);
  return { login, hop };
}

/** Tests that use a bastion whose daemon is reconfigured and restarted do so one after the other. */
export async function exclusively<T>(host: Bastion, action: () => Promise<T>): Promise<T> {
  const path = `/run/hopline-${labName}/lock-${host}`;
  const holder = spawn('flock', ['-x', path, 'sh', '-c', 'echo held; read _'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    holder.stdout.once('data', () => resolve());
    holder.once('close', () => reject(new Error(`no lock on ${path}`)));
  });
  try {
    return await action();
  } finally {
    holder.stdin.end();
  }
}
