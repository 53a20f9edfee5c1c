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
  throw new Error(`there is no account ${name} for the proxy workers: systemd-sysusers, or useradd --system ${name}`);
}
