/** A bastion whose wall clock is wrong, for its daemon and for every program that starts there. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bastion, lab, rootOf } from './support.ts';

const LIBRARY = '/usr/local/lib/lab-clock.so';

/** Restarts the daemon, so that it goes by it. @returns sets it, by seconds from the right time */
export async function clockOf(host: Bastion): Promise<(seconds: number) => void> {
  const root = rootOf(host);
  const source = join(import.meta.dirname, 'programs/clock.c');
  execFileSync('cc', ['-O1', '-shared', '-fPIC', '-o', join(root, LIBRARY), source]);
  const set = (seconds: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(seconds));
    // In place: it is mapped.
    writeFileSync(join(root, 'run/clock-off'), bytes, { flag: 'r+' });
  };
  writeFileSync(join(root, 'run/clock-off'), Buffer.alloc(8));
  writeFileSync(join(root, 'etc/ld.so.preload'), `${LIBRARY}\n`);
  const { code, out, err } = await lab(['daemon', host, 'restart']);
  if (code !== 0) throw new Error(`restart of ${host}: ${out}${err}`);
  return set;
}
