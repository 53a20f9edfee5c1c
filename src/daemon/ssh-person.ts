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

/** Programs between ssh and what it has connect for it: a shell and a script, and ssh itself. */
const MOST_ABOVE = 4;

/**
 * With `ProxyCommand` another program connects than the one that logs in: what ssh was told of keys and of its agent is in
 * its own arguments and environment, and with `ProxyUseFdpass` the one that connected has ended by then.
 * @returns null where the process is no more, or is not its user's any more, and no ssh of that user is above it
 */
export function sshPersonOf(image: Started): SshPerson | null {
  const person = processPerson(image);
  if (isSsh(image) || person?.home === null) return person;
  const above = sshAbove(image);
  const client = above === null ? null : processPerson(above);
  // Threat: who is started by another, as by sudo, does not sign with that one's keys.
  if (client === null || client.home === null || client.account.uid !== (person?.account.uid ?? image.uid))
    return person;
  return { ...client, readsAll: client.readsAll && person?.readsAll === true };
}

const isSsh = ({ exe }: Started): boolean => exe.endsWith('/ssh');

function sshAbove({ parent }: Started): Started | null {
  let above = parent;
  for (let left = MOST_ABOVE; left > 0 && above !== null && !above.plumbing; left -= 1) {
    if (isSsh(above)) return above;
    above = above.parent;
  }
  return null;
}

/**
 * What the process says of itself (its environment, its arguments) is used as that user, who may do so anyway.
 * @returns null where the process is no more
 */
function processPerson({ pid, startNs, argv, uid: atExec }: Started): SshPerson | null {
  const started = Number(startNs / 10_000_000n);
  const [environ, status] = [read(`/proc/${pid}/environ`), read(`/proc/${pid}/status`)];
  const inside = hasOurRoot(pid);
  const ours = sameFile(`/proc/${pid}/ns/user`, '/proc/self/ns/user');
  const directory = directoryOf(pid);
  // Race: read before, so that what was read is the process's whose pid it still is.
  if (environ === null || status === null || readStat(pid)?.startTicks !== started) return null;
  const [uid = -1, acts] = idsOf('Uid', status);
  const [gid] = idsOf('Gid', status);
  if (acts === undefined || gid === undefined) return null;
  // Threat: a child keeps the connection, and this runs a set-user-ID program meanwhile, which is not its user's to sign as.
  if (uid !== acts || (atExec !== 0 && uid !== atExec)) return null;
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
    readsAll: ours && atExec === 0 && uid === 0 && (effective & READS_ALL) !== 0n,
    home,
    agent: agent.startsWith('/') ? agent : null,
    identities: identitiesOf(argv)
      .map((path) => path.replace(/^(?:~|%d)(?=\/)/, home))
      .flatMap((path) => (path.startsWith('/') ? path : directory === null ? [] : join(directory, path))),
  };
}

/** Real, effective and others, as proc_pid_status(5) has them. */
function idsOf(name: 'Uid' | 'Gid', status: string): number[] {
  return (new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1] ?? '')
    .split('\t')
    .filter(Boolean)
    .map(Number);
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

/** Not used through /proc/PID/cwd: who acts for root has not the capabilities that lead through root's. */
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
