/** The PAM hook and the reader of its spool, against each other and against files that are no events. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { decodePamEvent, EVENT_LIMIT } from '../../src/attribution/pam-event.ts';
import { acknowledge, PamSpool, readSpool } from '../../src/attribution/pam-spool.ts';

const HOOK = join(import.meta.dirname, '../../systemd/pam-session');
const KEY = 'publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAzgA8ipxmsAh2lNUFq0FaHeUgcIPlxdPZ1AqRe9D36U';
const ENV = {
  PAM_TYPE: 'open_session',
  PAM_SERVICE: 'sshd',
  PAM_USER: 'alice',
  PAM_RHOST: '10.0.0.1',
  PAM_TTY: 'ssh',
  SSH_CONNECTION: '10.0.0.1 50222 10.0.0.2 22',
  SSH_AUTH_INFO_0: `${KEY}\n`,
};

function hook(dir: string, env: Record<string, string> = ENV): void {
  const { status, stdout, stderr } = spawnSync(HOOK, [dir], { env, input: 'typed ahead' });
  t.equal(status, 0, 'never fails a login');
  t.equal(`${stdout}${stderr}`, '', 'and prints nothing');
}

t.test('what the hook writes, the reader reads', async (t) => {
  const dir = t.testdir();
  hook(dir);
  hook(dir, { ...ENV, PAM_TYPE: 'close_session' });
  const { events, quarantined } = readSpool(dir);
  t.equal(quarantined, 0);
  t.match(events, [
    {
      type: 'open',
      service: 'sshd',
      user: 'alice',
      rhost: '10.0.0.1',
      tty: 'ssh',
      pid: process.pid,
      client: { address: '10.0.0.1', port: 50_222 },
      server: { address: '10.0.0.2', port: 22 },
      authInfo: KEY,
    },
    { type: 'close' },
  ]);
  const ticks = Number(readFileSync(`/proc/${process.pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19]);
  t.equal(events[0]?.startTicks, ticks, 'start time guards the pid');
  t.ok(Math.abs((events[0]?.at ?? 0) / 1_000 - Date.now()) < 2_000, 'written just now');
  for (const name of readdirSync(dir)) t.equal(statSync(join(dir, name)).mode & 0o777, 0o600);
  acknowledge(dir, events);
  t.same(readdirSync(dir), []);
});

t.test('the hook: nothing to say, nowhere to say it, hostile values', async (t) => {
  hook('/nonexistent');
  hook('/proc/self');
  const dir = t.testdir();
  hook(dir, {});
  const value = `$(touch ${dir}/x) %s\\0\\n * "'; '\t`;
  hook(dir, { ...ENV, PAM_USER: value, PAM_RHOST: '\xff\xfe', SSH_AUTH_INFO_0: 'k'.repeat(60_000) });
  const { events, quarantined } = readSpool(dir);
  t.equal(quarantined, 1, 'no PAM_TYPE is no event');
  t.equal(events.length, 1);
  t.match(events[0], { user: value, authInfo: 'k'.repeat(60_000) });
  t.notOk(existsSync(join(dir, 'x')));
});

t.test('200 logins at once: every one arrives whole', async (t) => {
  const dir = t.testdir();
  const script = `for n in $(seq 200); do PAM_USER=user$n "$0" "$1" & done; wait`;
  execFileSync('/bin/sh', ['-c', script, HOOK, dir], { env: { ...ENV, PATH: '/usr/bin:/bin' } });
  const { events, quarantined } = readSpool(dir);
  t.equal(quarantined, 0);
  t.equal(new Set(events.map(({ user }) => user)).size, 200);
});

t.test('an event cut at any byte is no event', async (t) => {
  const dir = t.testdir();
  hook(dir);
  const whole = readFileSync(join(dir, readdirSync(dir)[0] ?? ''));
  t.ok(decodePamEvent('f', whole, 0));
  for (let length = 0; length < whole.length; length += 1)
    t.throws(() => decodePamEvent('f', whole.subarray(0, length), 0), `${length} bytes`);
});

t.test('what is none is put aside and counted', async (t) => {
  const dir = t.testdir({ empty: '', text: 'hello', long: Buffer.alloc(EVENT_LIMIT + 1).toString('latin1') });
  mkdirSync(join(dir, 'directory'));
  symlinkSync('/etc/passwd', join(dir, 'link'));
  execFileSync('mkfifo', [join(dir, 'pipe')]);
  writeFileSync(join(dir, 'version'), `2\0${'x\0'.repeat(10)}`);
  writeFileSync(join(dir, 'pid'), '1\0open_session\0sshd\0a\0\0\0-5\x000\x001\0\0\0');
  writeFileSync(join(dir, '.being-written'), 'half');
  hook(dir);
  const { events, quarantined } = readSpool(dir);
  t.equal(events.length, 1);
  t.equal(quarantined, 8);
  t.same(readdirSync(join(dir, 'bad')).length, 8);
  t.ok(existsSync(join(dir, '.being-written')));
  t.same(readSpool(dir, new Set([events[0]?.file ?? ''])), { events: [], quarantined: 0 });
});

t.test('watched: what lies there, what comes, each once', async (t) => {
  const dir = join(t.testdir(), 'run', 'pam');
  mkdirSync(dir, { recursive: true });
  hook(dir, { ...ENV, PAM_USER: 'before' });
  const users: string[] = [];
  const bad: string[] = [];
  const arrivals: (() => void)[] = [];
  using watched = new PamSpool({
    dir,
    onEvents: (events) => {
      users.push(...events.map(({ user }) => user));
      watched.acknowledge(events);
      arrivals.shift()?.();
    },
    onBad: (file, why) => bad.push(`${file}: ${why}`),
    onFault: (error) => t.fail(error.message),
  });
  const arrival = (): Promise<void> => new Promise((resolve) => arrivals.push(resolve));
  let next = arrival();
  watched.start();
  await next;
  next = arrival();
  hook(dir, { ...ENV, PAM_USER: 'after' });
  await next;
  t.same(users, ['before', 'after']);
  hook(dir, { ...ENV, PAM_USER: 'asked for' });
  const drained = watched.drain();
  t.match(drained, [{ user: 'asked for' }]);
  writeFileSync(join(dir, 'torn'), '1\0open_session');
  t.same(watched.drain(), [], 'handed out once');
  t.match(bad, [/^torn: ./], 'what is none is told by its name, with why');
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.same(users, ['before', 'after'], 'and not by the watcher as well');
  watched.acknowledge(drained);
  t.same(readdirSync(dir), ['bad']);
});

t.test('a spool that is missing is made, for root alone', async (t) => {
  const dir = join(t.testdir(), 'pam');
  using watched = new PamSpool({
    dir,
    onEvents: () => {},
    onBad: () => {},
    onFault: (error) => t.fail(error.message),
  });
  watched.start();
  t.equal(statSync(dir).mode & 0o777, 0o700);
  t.equal(watched.quarantined, 0);
});
