/** What systemd would receive, on a path and on an abstract name. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import t from 'tap';
import { notifier } from '../../src/systemd/notify.ts';

const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int domain, int type, int protocol)');
const bind = libc.func('int bind(int fd, const uint8_t *address, uint32_t size)');
const recv = libc.func('int64_t recv(int fd, _Out_ uint8_t *data, size_t size, int flags)');
const close = libc.func('int close(int fd)');

function receiver(path: string): { next(): string | null; close(): void } {
  const fd: number = socket(1, 2 | 0o2000000, 0);
  const name = path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`;
  const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(name)]);
  if (bind(fd, address, address.length) !== 0) throw new Error(`bind: errno ${koffi.errno()}`);
  return {
    next: () => {
      const data = Buffer.alloc(4096);
      const length = Number(recv(fd, data, data.length, 0x40));
      return length < 0 ? null : data.subarray(0, length).toString();
    },
    close: () => void close(fd),
  };
}

// A socket's path is short, and tap's own directories are not.
const directory = mkdtempSync(join(tmpdir(), 'hopline-notify-'));
t.teardown(() => rmSync(directory, { recursive: true }));

for (const path of [join(directory, 'notify'), `@hopline-test-${process.pid}`])
  t.test(path.startsWith('@') ? 'an abstract name' : 'a path', async (t) => {
    const systemd = receiver(path);
    t.teardown(() => systemd.close());
    const env: NodeJS.ProcessEnv = {
      NOTIFY_SOCKET: path,
      WATCHDOG_USEC: '100000',
      WATCHDOG_PID: String(process.pid),
    };
    using n = notifier(env);
    t.same(env, {}, 'children do not inherit it');
    t.match(n, { enabled: true, watchdogMs: 100 });
    n.status('attaching\nprograms');
    t.equal(systemd.next(), 'STATUS=attaching programs');
    n.reloading();
    const monotonic = Number(/^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(systemd.next() ?? '')?.[1]);
    t.ok(
      Math.abs(monotonic - Number(process.hrtime.bigint() / 1000n)) < 1e6,
      'the monotonic clock, in microseconds',
    );
    n.ready('12 logins');
    t.equal(systemd.next(), 'READY=1\nSTATUS=12 logins');
    n.ready();
    t.equal(systemd.next(), 'READY=1');
    await new Promise((resolve) => setTimeout(resolve, 180));
    t.equal(systemd.next(), 'WATCHDOG=1');
    n.watchdog();
    n.stopping(90_000);
    const rest: string[] = [];
    for (let text = systemd.next(); text !== null; text = systemd.next()) rest.push(text);
    t.equal(rest.at(-1), 'STOPPING=1\nEXTEND_TIMEOUT_USEC=90000000');
  });

t.test('nobody asked: nothing happens', async (t) => {
  const n = notifier({});
  t.equal(n.enabled, false);
  for (const call of ['ready', 'reloading', 'watchdog'] as const) n[call]();
  n.stopping(1);
  n.status('x');
});

t.test("another process's watchdog is not ours", async (t) => {
  t.equal(notifier({ NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '5', WATCHDOG_PID: '1' }).watchdogMs, null);
});

t.test('a socket that is none, or has nobody behind it, is an error', async (t) => {
  t.throws(() => notifier({ NOTIFY_SOCKET: 'relative' }), /expected an absolute path/);
  t.throws(() => notifier({ NOTIFY_SOCKET: `/${'x'.repeat(107)}` }), /at most 107/);
  t.throws(() => notifier({ NOTIFY_SOCKET: '/nonexistent/notify' }).ready(), /was not told READY=1/);
});
