/**
 * What a recorded shell asks of the C library: a pseudo-terminal whose settings are those of the one outside, a program on
 * it under the name and with the environment that sshd would have given it, the way in which that ended. node-pty gives no
 * program a name other than its path (a login shell's begins with `-`), and the new terminal settings of its own.
 */
import { openSync, writeSync } from 'node:fs';
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const f = (declaration: string) => libc.func(declaration);

const open = {
  openpt: f('int posix_openpt(int flags)'),
  grant: f('int grantpt(int fd)'),
  unlock: f('int unlockpt(int fd)'),
  name: f('int ptsname_r(int fd, _Out_ uint8_t *name, size_t size)'),
};
const ioctl = f('int ioctl(int fd, unsigned long request, ...)');
const tcgetattr = f('int tcgetattr(int fd, _Out_ uint8_t *settings)');
const tcsetattr = f('int tcsetattr(int fd, int when, const uint8_t *settings)');
const makeRaw = f('void cfmakeraw(_Inout_ uint8_t *settings)');
const poll = f('int poll(_Inout_ uint8_t *asked, unsigned long count, int milliseconds)');
const strerror = f('const char *strerror(int error)');

/** asm-generic/fcntl.h, ioctls.h and termbits.h: the same on x86-64 and arm64. */
const O_RDWR = 2;
const O_NOCTTY = 0o400;
const O_CLOEXEC = 0o2000000;
const TIOCGWINSZ = 0x5413;
const TIOCSWINSZ = 0x5414;
const FIONREAD = 0x541b;
const TCSANOW = 0;
const LFLAG_AT = 12;
const ICANON = 0o2;
const ECHO = 0o10;
const ECHONL = 0o100;
const POLLIN = 1;
/** More than glibc's `struct termios` (60). */
const TERMIOS = 128;
const WINSIZE = 8;

/** A call that failed, by its name and the system's words. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
}

function failed(call: string, error: number = koffi.errno()): SystemError {
  return new SystemError(`${call}: ${strerror(error)}`);
}

/** @throws SystemError */
export function openTerminal(): { master: number; path: string } {
  const master: number = open.openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  const name = Buffer.alloc(128);
  if (master < 0) throw failed('posix_openpt');
  if (open.grant(master) !== 0 || open.unlock(master) !== 0) throw failed('unlockpt');
  if (open.name(master, name, name.length) !== 0) throw failed('ptsname_r');
  return { master, path: name.toString('latin1', 0, name.indexOf(0)) };
}

export type Settings = Buffer;

/** @throws SystemError */
export function settingsOf(fd: number): Settings {
  const settings = Buffer.alloc(TERMIOS);
  if (tcgetattr(fd, settings) !== 0) throw failed('tcgetattr');
  return settings;
}

/** A terminal that has gone needs none. */
export function set(fd: number, settings: Settings): void {
  tcsetattr(fd, TCSANOW, settings);
}

/** Every byte goes through as it is. */
export function rawOf(settings: Settings): Settings {
  const raw = Buffer.from(settings);
  makeRaw(raw);
  return raw;
}

/** Bytes that were typed and nobody has read. */
export function waiting(fd: number): number {
  const count = Buffer.alloc(4);
  return ioctl(fd, FIONREAD, 'uint8_t *', count) === 0 ? count.readInt32LE(0) : 0;
}

/**
 * Gives a terminal what was typed before it was there: the terminal outside has echoed that already.
 * @param settings that it is to have
 * @returns what keeps the input until a program has the terminal, to be closed then
 */
export function typeEarly(master: number, path: string, settings: Settings, bytes: Buffer): number {
  const quiet = Buffer.from(settings);
  quiet.writeUInt32LE((quiet.readUInt32LE(LFLAG_AT) & ~(ECHO | ECHONL)) >>> 0, LFLAG_AT);
  set(master, quiet);
  const slave = openSync(path, O_RDWR | O_NOCTTY);
  writeSync(master, bytes);
  // The kernel takes input in beside what it does else; who asks whether there is some waits for that.
  const asked = Buffer.alloc(8);
  asked.writeInt32LE(slave, 0);
  asked.writeInt16LE(POLLIN, 4);
  poll(asked, 1, 0);
  set(master, settings);
  return slave;
}

/** Whether what is typed is echoed. */
export function echoes(settings: Settings): boolean {
  return (settings.readUInt32LE(LFLAG_AT) & ECHO) !== 0;
}

const looked = Buffer.alloc(TERMIOS);

/**
 * Whether a line is being typed that is not echoed, as where a password is asked for. Of a program that reads each key by
 * itself nothing is told: such a one may well show it.
 * @param master of the terminal: Linux tells, and sets, the settings of the other end there
 */
export function isHidden(master: number): boolean {
  if (tcgetattr(master, looked) !== 0) return true;
  const flags = looked.readUInt32LE(LFLAG_AT);
  return (flags & ICANON) !== 0 && (flags & ECHO) === 0;
}

/** `struct winsize`, pixels and all; null where the terminal is gone. */
export function windowOf(fd: number): Buffer | null {
  const size = Buffer.alloc(WINSIZE);
  return ioctl(fd, TIOCGWINSZ, 'uint8_t *', size) === 0 ? size : null;
}

export function setWindow(fd: number, size: Buffer): void {
  ioctl(fd, TIOCSWINSZ, 'uint8_t *', size);
}

export interface Program {
  readonly path: string;
  /** With the name that it goes by. */
  readonly argv: readonly string[];
  /** `NAME=value`. */
  readonly environment: readonly string[];
}

const spawn = {
  initAttributes: f('int posix_spawnattr_init(uint8_t *attributes)'),
  setFlags: f('int posix_spawnattr_setflags(uint8_t *attributes, short flags)'),
  setDefault: f('int posix_spawnattr_setsigdefault(uint8_t *attributes, const uint8_t *signals)'),
  setMask: f('int posix_spawnattr_setsigmask(uint8_t *attributes, const uint8_t *signals)'),
  initActions: f('int posix_spawn_file_actions_init(uint8_t *actions)'),
  addOpen: f(
    'int posix_spawn_file_actions_addopen(uint8_t *actions, int fd, const char *path, int flags, unsigned int mode)',
  ),
  addDup: f('int posix_spawn_file_actions_adddup2(uint8_t *actions, int from, int to)'),
  spawn: f(
    'int posix_spawn(_Out_ int *pid, const char *path, const uint8_t *actions, const uint8_t *attributes, const char **argv, const char **environment)',
  ),
};
/** spawn.h of glibc; its structures have 336 and 80 bytes, and a set of signals 128. */
const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
const SETSID = 0x80;
const ROOM = 1024;
const SIGNALS = 128;

/**
 * A program with a session of its own, whose terminal is `terminal`: opened by the leader of a session that has none, it
 * becomes that session's. Signals are as at the start of a session: Node ignores SIGPIPE.
 * @throws SystemError
 */
export function start({ path, argv, environment }: Program, terminal: string): number {
  const [attributes, actions] = [Buffer.alloc(ROOM), Buffer.alloc(ROOM)];
  spawn.initAttributes(attributes);
  spawn.setFlags(attributes, SETSID | SETSIGDEF | SETSIGMASK);
  spawn.setDefault(attributes, Buffer.alloc(SIGNALS, 0xff));
  spawn.setMask(attributes, Buffer.alloc(SIGNALS));
  spawn.initActions(actions);
  spawn.addOpen(actions, 0, terminal, O_RDWR, 0);
  for (const fd of [1, 2]) spawn.addDup(actions, 0, fd);
  const pid = [0];
  const error: number = spawn.spawn(pid, path, actions, attributes, [...argv, null], [...environment, null]);
  if (error !== 0) throw failed(path, error);
  return pid[0] as number;
}

const waitpid = f('int waitpid(int pid, _Out_ int *status, int options)');
const WNOHANG = 1;

export type Status = { readonly code: number } | { readonly signal: number };

/** How a child ended; null where it has not. */
export function ended(pid: number): Status | null {
  const status = [0];
  if (waitpid(pid, status, WNOHANG) !== pid) return null;
  const [value = 0] = status;
  const signal = value & 0x7f;
  return signal === 0 ? { code: (value >> 8) & 0xff } : { signal };
}

const signal = f('void *signal(int number, void *handler)');
const kill = f('int kill(int pid, int number)');
const procmask = f('int sigprocmask(int how, const uint8_t *signals, void *before)');
const SIG_SETMASK = 2;

/** To every process of its group, as sshd sends what a client asks for. */
export function tell(group: number, number: number): void {
  kill(-group, number);
}

/** Ends this process by a signal, so that sshd says what it would have said of the program itself. */
export function dieBy(number: number): void {
  signal(number, null);
  procmask(SIG_SETMASK, Buffer.alloc(SIGNALS), null);
  kill(process.pid, number);
}

const execve = f('int execve(const char *path, const char **argv, const char **environment)');
const fcntl = f('int fcntl(int fd, int command, ...)');
const F_SETFD = 2;

/**
 * Becomes the program: its descriptors, its signals and its place among the processes are those that it would have had.
 * @throws SystemError where there is no such program; this one goes on then
 */
export function become({ path, argv, environment }: Program): never {
  for (const fd of [0, 1, 2]) fcntl(fd, F_SETFD, 'int', 0);
  for (let number = 1; number <= 64; number++) signal(number, null);
  procmask(SIG_SETMASK, Buffer.alloc(SIGNALS), null);
  execve(path, [...argv, null], [...environment, null]);
  throw failed(path);
}

const prctl = f('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)');
const setrlimit = f('int setrlimit(int resource, const uint8_t *limits)');
const getrlimit = f('int getrlimit(int resource, _Out_ uint8_t *limits)');
const PR_SET_DUMPABLE = 4;
const RLIMIT_NOFILE = 7;

/** No other process of the person's may read or steer this one, nor is its memory written to a file. */
export function seal(): void {
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/** Node takes as many descriptors as it may; the person's programs get what they would have had. */
export function limitFiles(most: number): void {
  const limits = Buffer.alloc(16);
  if (getrlimit(RLIMIT_NOFILE, limits) !== 0 || BigInt(most) > limits.readBigUInt64LE(8)) return;
  limits.writeBigUInt64LE(BigInt(most), 0);
  setrlimit(RLIMIT_NOFILE, limits);
}
