/**
 * Tells systemd how the daemon is, by the protocol of sd_notify(3): a datagram to the socket in NOTIFY_SOCKET.
 * Node has no Unix datagrams, so libc's are called.
 */
import koffi from 'koffi';

export interface Notifier extends Disposable {
  /** False where nobody asked to be told; every call is then nothing. */
  readonly enabled: boolean;
  /** systemd's patience without a sign of life; null is endless. */
  readonly watchdogMs: number | null;
  /** Start-up, or a reload, is done. From the first time on, signs of life are sent twice in `watchdogMs`. */
  ready(status?: string): void;
  reloading(): void;
  /**
   * Signs of life go on until the process ends: a drain may take longer than the watchdog waits.
   * @param forMs how long it may take: systemd waits that long, also where TimeoutStopSec is less
   */
  stopping(forMs: number): void;
  /** One sign of life, for a caller that wants to give them itself. */
  watchdog(): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
}

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_NOSIGNAL = 0x4000;
/** `sun_path` in unix(7), less its terminating zero. */
const PATH_LIMIT = 107;

/**
 * @param env the process's environment; its NOTIFY_SOCKET and WATCHDOG_* are removed, so that no child uses them
 * @throws Error where NOTIFY_SOCKET is none that can be served
 */
export function notifier(env: NodeJS.ProcessEnv = process.env): Notifier {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: usec, WATCHDOG_PID: pid } = env;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
  if (path === undefined || path === '') return silent;
  const mine = pid === undefined || Number(pid) === process.pid;
  const watchdogMs = mine && Number(usec) > 0 ? Number(usec) / 1000 : null;
  return new SystemdNotifier(sender(path), watchdogMs);
}

class SystemdNotifier implements Notifier {
  readonly enabled = true;
  readonly watchdogMs: number | null;
  readonly #send: (text: string) => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(send: (text: string) => void, watchdogMs: number | null) {
    this.#send = send;
    this.watchdogMs = watchdogMs;
  }

  ready(status?: string): void {
    this.#send(status === undefined ? 'READY=1' : `READY=1\nSTATUS=${oneLine(status)}`);
    if (this.watchdogMs === null || this.#timer !== null) return;
    this.#timer = setInterval(() => this.#alive(), this.watchdogMs / 2);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /** A sign that does not arrive is systemd's to act on; it must not be what ends the daemon. */
  #alive(): void {
    try {
      this.watchdog();
    } catch {}
  }

  reloading(): void {
    // hrtime is CLOCK_MONOTONIC, the clock that systemd compares it with.
    this.#send(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  }

  stopping(forMs: number): void {
    this.#send(`STOPPING=1\nEXTEND_TIMEOUT_USEC=${Math.ceil(forMs) * 1000}`);
  }

  watchdog(): void {
    this.#send('WATCHDOG=1');
  }

  status(text: string): void {
    this.#send(`STATUS=${oneLine(text)}`);
  }
}

const silent: Notifier = {
  enabled: false,
  watchdogMs: null,
  ready: () => {},
  reloading: () => {},
  stopping: () => {},
  watchdog: () => {},
  status: () => {},
  [Symbol.dispose]: () => {},
};

/** @returns a function that sends one datagram, and throws where it cannot */
function sender(path: string): (text: string) => void {
  if (!/^[/@]/.test(path) || Buffer.byteLength(path) > PATH_LIMIT)
    throw new Error(
      `NOTIFY_SOCKET is ${path}: expected an absolute path, or @ and a name, of at most ${PATH_LIMIT} bytes`,
    );
  const libc = koffi.load('libc.so.6');
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const sendto = libc.func(
    'int64_t sendto(int fd, const uint8_t *data, size_t size, int flags, const uint8_t *to, uint32_t length)',
  );
  const fd: number = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) throw new Error(`no socket for systemd's notifications (errno ${koffi.errno()})`);
  const to = address(path);
  return (text) => {
    const data = Buffer.from(text);
    if (Number(sendto(fd, data, data.length, MSG_NOSIGNAL, to, to.length)) !== data.length)
      throw new Error(`systemd was not told ${text.split('\n')[0]} by ${path} (errno ${koffi.errno()})`);
  };
}

/** `struct sockaddr_un`; an abstract name starts with a zero, and ends with its length alone. */
function address(path: string): Buffer {
  const abstract = path.startsWith('@');
  const name = Buffer.from(abstract ? `\0${path.slice(1)}` : `${path}\0`);
  const out = Buffer.alloc(2 + name.length);
  out.writeUInt16LE(AF_UNIX, 0);
  out.set(name, 2);
  return out;
}

function oneLine(text: string): string {
  return text.replaceAll('\n', ' ');
}
