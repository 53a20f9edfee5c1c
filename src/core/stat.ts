import { readFileSync } from 'node:fs';

export interface Stat {
  readonly comm: string;
  readonly ppid: number;
  /** Controlling terminal's device number; 0 is none. */
  readonly tty: number;
  /** Hundredths of a second after boot; with the pid, the process's identity on this boot. */
  readonly startTicks: number;
}

/** What /proc/PID/stat says of a process (proc(5)); null where it has gone. */
export function readStat(pid: number): Stat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null;
  }
  const end = text.lastIndexOf(')');
  const fields = text.slice(end + 2).split(' ');
  return {
    comm: text.slice(text.indexOf('(') + 1, end),
    ppid: Number(fields[1]),
    tty: Number(fields[4]),
    startTicks: Number(fields[19]),
  };
}
