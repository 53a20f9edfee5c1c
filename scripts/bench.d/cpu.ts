/** What processes have used of processors, from /proc/PID/stat. */
import { readFileSync } from 'node:fs';

/** USER_HZ, which is 100 on every architecture that Node runs on. */
const TICKS = 100;

/** Seconds, user and system, of all their threads. */
export function cpuOf(pids: readonly number[]): number {
  return pids.map(one).reduce((sum, seconds) => sum + seconds, 0);
}

function one(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Behind the name, which may hold anything: fields 14 and 15 of proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
