import { UsageError } from '../exit.ts';

/** What `hopline shell` is runs before this: the launcher starts another program for it. */
export async function shell(): Promise<number> {
  throw new UsageError('hopline shell takes no arguments, and is for sshd to run: see hopline shell --help');
}
