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

/**
 * What the process says of itself (its environment, its arguments) is used as that user, who may do so anyway.
 * @returns null where the process is no more
 */
export function sshPersonOf({
  pid,
  startNs,
  argv,
}: Pick<Image, 'pid' | 'startNs' | 'argv'>): SshPerson | null {
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
  const agent = variables.get('SSH_AUTH_SOCK') ?? '';
  return {
    account: { uid, gid },
    // Threat: within a user namespace of one's own everybody has every capability.
    readsAll: ours && (effective & READS_ALL) !== 0n,
    // ssh takes the account's home whatever HOME says; an account of a directory service is not in the file.
    home: homeOf(uid) ?? variables.get('HOME') ?? '/',
    agent: agent.startsWith('/') ? agent : null,
    identities: absolute(identitiesOf(argv), pid),
  };
}

/** `-i FILE` and `-o IdentityFile=FILE`. */
function identitiesOf(argv: readonly string[]): string[] {
  const found: string[] = [];
  argv.forEach((word, at) => {
    const next = argv[at + 1];
    if (/^-\w*i$/.test(word) && next !== undefined) found.push(next);
    else if (/^-i./.test(word)) found.push(word.slice(2));
    const option = /^(?:-o)?\s*identityfile[\s=]+(.+)$/i.exec(word)?.[1];
    if (option !== undefined) found.push(option);
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
