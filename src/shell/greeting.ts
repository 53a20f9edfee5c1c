/**
 * What sshd shows before a login shell, and leaves out where there is a ForceCommand: the message of the day, by
 * pam_motd(8) or by itself, and the last login (session.c, sshlogin.c of OpenSSH).
 */
import { accessSync, closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Asked } from './program.ts';

const PAM = '/etc/pam.d/sshd';
const CONFIG = '/etc/ssh/sshd_config';
const WTMP = '/var/log/wtmp';
/** bits/utmp.h of glibc: where the fields of `struct utmp` lie. */
const UTMP = { size: 384, line: 8, user: 44, host: 76, seconds: 340, userProcess: 7 } as const;
/** Of the end of that file. */
const LOOKED_AT = 200 * UTMP.size;

/** @returns text with plain newlines; none where a command was asked for, or `~/.hushlogin` is there */
export function greeting({ command, environment }: Asked): string {
  const { HOME, USER } = environment;
  if (command !== null || HOME === undefined || isThere(join(HOME, '.hushlogin'))) return '';
  const last = USER === undefined || setting('PrintLastLog') === 'no' ? '' : lastLogin(USER);
  const own = setting('PrintMotd') === 'no' ? '' : read('/etc/motd');
  return `${pamMotd()}${last}${own}`;
}

function isThere(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}

/** What cannot be read is nothing that could be shown. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function setting(name: string): string | undefined {
  return new RegExp(`^\\s*${name}\\s+(\\w+)`, 'im').exec(read(CONFIG))?.[1]?.toLowerCase();
}

/** Each line of pam_motd shows the file that it names, or the usual ones. */
function pamMotd(): string {
  const lines = read(PAM).match(/^\s*-?session\s.*\bpam_motd\.so.*$/gm) ?? [];
  return lines
    .map((line) => {
      const named = /\bmotd=(\S+)/.exec(line)?.[1];
      if (named !== undefined) return read(named);
      const file = ['/etc/motd', '/run/motd', '/usr/lib/motd'].find(isThere);
      return `${file === undefined ? '' : read(file)}${directory('/etc/motd.d')}`;
    })
    .join('');
}

function directory(path: string): string {
  try {
    return readdirSync(path)
      .sort()
      .map((name) => read(join(path, name)))
      .join('');
  } catch {
    return '';
  }
}

/** The one before this, which sshd has written there already. */
function lastLogin(user: string): string {
  const records = ends(WTMP);
  let found = 0;
  for (let at = records.length - UTMP.size; at >= 0; at -= UTMP.size) {
    const record = records.subarray(at, at + UTMP.size);
    if (record.readInt16LE(0) !== UTMP.userProcess || field(record, UTMP.user, 32) !== user) continue;
    found += 1;
    if (found < 2) continue;
    const host = field(record, UTMP.host, 256);
    const when = ctime(new Date(record.readInt32LE(UTMP.seconds) * 1000));
    return `Last login: ${when}${host === '' ? '' : ` from ${host}`}\r\n`;
  }
  return '';
}

function ends(path: string): Buffer {
  try {
    const fd = openSync(path, 'r');
    try {
      const { size } = fstatSync(fd);
      const whole = size - (size % UTMP.size);
      const length = Math.min(whole, LOOKED_AT);
      const bytes = Buffer.alloc(length);
      readSync(fd, bytes, 0, length, whole - length);
      return bytes;
    } finally {
      closeSync(fd);
    }
  } catch {
    return Buffer.alloc(0);
  }
}

function field(record: Buffer, at: number, length: number): string {
  const bytes = record.subarray(at, at + length);
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? length : end);
}

/** ctime(3): `Wed Jun 30 21:49:08 1993`. */
function ctime(date: Date): string {
  const [day, month, number, year] = date.toDateString().split(' ');
  return `${day} ${month} ${`${Number(number)}`.padStart(2)} ${date.toTimeString().slice(0, 8)} ${year}`;
}
