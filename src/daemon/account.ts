import { readFileSync } from 'node:fs';

/**
 * The account that workers run as, from passwd(5).
 * @throws Error where there is none of that name
 */
export function workerAccount(name: string): { uid: number; gid: number } {
  for (const line of readFileSync('/etc/passwd', 'utf8').split('\n')) {
    const [account, , uid, gid] = line.split(':');
    if (account === name && uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error(
    `there is no account ${name} for the proxy workers: systemd-sysusers, or useradd --system ${name}`,
  );
}

/** A group's number, from group(5); null where there is none of that name. */
export function groupId(name: string): number | null {
  for (const line of readFileSync('/etc/group', 'utf8').split('\n')) {
    const [group, , gid] = line.split(':');
    if (group === name && gid) return Number(gid);
  }
  return null;
}
