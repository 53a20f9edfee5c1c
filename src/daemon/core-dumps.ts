/** Keeps what the supervisor and its children know out of core dumps. */
import koffi from 'koffi';

const PR_SET_DUMPABLE = 4;
const RLIMIT_CORE = 4;
/**
 * One byte, and not none: where core_pattern is a pipe, the kernel looks at no limit but this one (fs/coredump.c,
 * "RLIMIT_CORE is set to 1"). For a file it is less than any dump has.
 */
const ONE = 1n;

const Limit = koffi.struct('rlimit_core', { soft: 'uint64', hard: 'uint64' });
const libc = koffi.load('libc.so.6');
const setrlimit = libc.func('setrlimit', 'int', ['int', koffi.pointer(Limit)]);
const getrlimit = libc.func('getrlimit', 'int', ['int', koffi.out(koffi.pointer(Limit))]);
const prctl = libc.func('int prctl(int option, ulong a, ulong b, ulong c, ulong d)');

/**
 * Of this process, and of every one that it starts from here on: the limit is inherited and cannot be raised again
 * without privilege.
 * @returns what could not be done, for the log; null where all was
 */
export function withoutCoreDumps(): string | null {
  const now = { soft: 0n, hard: 0n };
  if (getrlimit(RLIMIT_CORE, now) !== 0) return 'the limit of core dumps cannot be read';
  // A limit of none cannot be raised to one byte by everybody; handlers of a pipe heed it by themselves.
  if (BigInt(now.hard) > ONE && setrlimit(RLIMIT_CORE, { soft: ONE, hard: ONE }) !== 0)
    return 'the limit of core dumps cannot be set: set LimitCORE=1 in the unit';
  // Not inherited by what is executed; for this process it holds whatever the limit.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) !== 0) return 'this process cannot be kept from dumping core';
  return null;
}
