/** Whose SSH a process is: its user, and where its agent and its keys are, from /proc. */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Image } from '../attribution/image.ts';
import { readStat } from '../core/stat.ts';
import type { Account } from '../core/unprivileged.ts';

export interface SshPerson {
  readonly account: Account;
  /** It may read what its user may not, as root's programs may: who acts for it may, too. */
  readonly readsAll: boolean;
  /** Null: the process has another root, as in a container, and the account's files here are not its own. */
  readonly home: string | null;
  readonly agent: string | null;
  readonly identities: readonly string[];
}

const MOST_IDENTITIES = 32;
/** CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH (linux/capability.h). */
const READS_ALL = (1n << 1n) | (1n << 2n);

/** What is known of a program that connects, and of those that started it. */
export interface Started extends Pick<Image, 'pid' | 'startNs' | 'argv' | 'exe' | 'uid' | 'plumbing'> {
  readonly parent: Started | null;
}

/** Programs between ssh and what it has connect for it: a shell and a script, at most. */
const MOST_ABOVE = 4;

/**
 * With `ProxyCommand` another program connects than the one that logs in: what ssh was told of keys and of its agent is in
 * the arguments of a program above it, and with `ProxyUseFdpass` the one that connected has ended by then.
 * @returns null where the process is no more, and none of the same user above it
 */
export function sshPersonOf(image: Started): SshPerson | null {
  let person = processPerson(image);
  const isClient = image.exe.endsWith('/ssh');
  if (person !== null && (isClient || person.home === null)) return person;
  let above = image.parent;
  for (let left = MOST_ABOVE; left > 0 && above !== null && !above.plumbing; left -= 1) {
    const other = processPerson(above);
    // Threat: who is started by another, as by sudo, does not sign with that one's keys.
    if (other !== null && (other.home === null || other.account.uid !== (person?.account.uid ?? image.uid)))
      break;
    if (other !== null)
      person = person === null ? { ...other, readsAll: false } : joined(person, other, above.argv);
    above = above.parent;
  }
  return person;
}

function joined(person: SshPerson, { agent, identities }: SshPerson, argv: readonly string[]): SshPerson {
  const all = [...new Set([...person.identities, ...identities])].slice(0, MOST_IDENTITIES);
  const named = optionsOf(argv, AGENT).length > 0;
  return { ...person, agent: named ? agent : (person.agent ?? agent), identities: all };
}

/**
 * What the process says of itself (its environment, its arguments) is used as that user, who may do so anyway.
 * @returns null where the process is no more
 */
function processPerson({ pid, startNs, argv }: Pick<Image, 'pid' | 'startNs' | 'argv'>): SshPerson | null {
  const started = Number(startNs / 10_000_000n);
  const [environ, status] = [read(`/proc/${pid}/environ`), read(`/proc/${pid}/status`)];
  const inside = hasOurRoot(pid);
  const ours = sameFile(`/proc/${pid}/ns/user`, '/proc/self/ns/user');
  // Race: read before, so that what was read is the process's whose pid it still is.
  if (environ === null || status === null || readStat(pid)?.startTicks !== started) return null;
  const uid = Number(/^Uid:\t\d+\t(\d+)/m.exec(status)?.[1]);
  const gid = Number(/^Gid:\t\d+\t(\d+)/m.exec(status)?.[1]);
  if (!Number.isSafeInteger(uid) || !Number.isSafeInteger(gid)) return null;
  const variables = new Map(
    environ.split('\0').map((entry) => [entry.split('=', 1)[0], entry.slice(entry.indexOf('=') + 1)]),
  );
  // Threat: a container's user has the number of one of the host's, and would sign with that person's keys.
  if (!inside) return { account: { uid, gid }, readsAll: false, home: null, agent: null, identities: [] };
  const effective = BigInt(`0x${/^CapEff:\t([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  // ssh takes the account's home whatever HOME says; an account of a directory service is not in the file.
  const home = homeOf(uid) ?? variables.get('HOME') ?? '/';
  const [named = '$SSH_AUTH_SOCK'] = optionsOf(argv, AGENT);
  const variable = /^(?:\$(\w+)|(SSH_AUTH_SOCK))$/.exec(named)?.slice(1).find(Boolean);
  const agent = variable === undefined ? named.replace(/^~(?=\/)/, home) : (variables.get(variable) ?? '');
  return {
    account: { uid, gid },
    // Threat: within a user namespace of one's own everybody has every capability.
    readsAll: ours && (effective & READS_ALL) !== 0n,
    home,
    agent: agent.startsWith('/') ? agent : null,
    identities: absolute(identitiesOf(argv), pid),
  };
}

/** Of ssh_config(5), as arguments have them; the first of an option is what counts. */
const AGENT = /^(?:-o)?\s*identityagent(?:\s*=\s*|\s+)(.+)$/i;
const IDENTITY = /^(?:-o)?\s*identityfile(?:\s*=\s*|\s+)(.+)$/i;

function optionsOf(argv: readonly string[], option: RegExp): string[] {
  return argv.map((word) => option.exec(word)?.[1]).filter((value) => value !== undefined);
}

/** `-i FILE` and `-o IdentityFile=FILE`. */
function identitiesOf(argv: readonly string[]): string[] {
  const found: string[] = [];
  argv.forEach((word, at) => {
    const next = argv[at + 1];
    if (/^-\w*i$/.test(word) && next !== undefined) found.push(next);
    else if (/^-i./.test(word)) found.push(word.slice(2));
    found.push(...optionsOf([word], IDENTITY));
  });
  return found.slice(0, MOST_IDENTITIES);
}

function absolute(paths: readonly string[], pid: number): string[] {
  const relative = paths.some((path) => !path.startsWith('/'));
  // Not through /proc/PID/cwd: who acts for root has not the capabilities that lead through root's.
  const directory = relative ? directoryOf(pid) : null;
  return paths.flatMap((path) =>
    path.startsWith('/') ? path : directory === null ? [] : join(directory, path),
  );
}

function directoryOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

function homeOf(uid: number): string | null {
  for (const line of read('/etc/passwd')?.split('\n') ?? []) {
    const [, , number, , , home] = line.split(':');
    if (Number(number) === uid && number !== '' && home) return home;
  }
  return null;
}

const hasOurRoot = (pid: number): boolean => sameFile(`/proc/${pid}/root/`, '/');

function sameFile(one: string, other: string): boolean {
  try {
    const [theirs, ours] = [one, other].map((path) => statSync(path, { bigint: true }));
    return theirs?.dev === ours?.dev && theirs?.ino === ours?.ino;
  } catch {
    return false;
  }
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
