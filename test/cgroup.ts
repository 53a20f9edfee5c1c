import { readFileSync } from 'node:fs';

/** Where cgroup v2 is mounted; null where it is not. */
export function cgroupMount(): string | null {
  const lines = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return lines.find((line) => line.split(' ')[2] === 'cgroup2')?.split(' ')[1] ?? null;
}
