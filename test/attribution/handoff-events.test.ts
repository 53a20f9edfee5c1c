/** Whose the other end of a Unix socket is, where the process that called listen() has gone. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { Handoffs } from '../../src/attribution/handoff-events.ts';
import { Holders } from '../../src/attribution/holders.ts';
import { idFromBigInt } from '../../src/core/ids.ts';
import * as abi from '../../src/kernel/layouts.generated.ts';
import { until } from '../until.ts';
import { key, padded, ROOT, rootEvent, view, who } from './events.ts';
import { Host } from './host.ts';

const A = ROOT + 256n;
const B = ROOT + 512n;
const GONE = { tgid: 4_999_999, startNs: 0n };

/** A server that forked two that hold its socket, and has gone. SIGUSR1 closes it. */
const SERVER = `
import os, signal, socket, sys
server = socket.socket(socket.AF_UNIX)
os.chdir(os.path.dirname(sys.argv[1]))
server.bind(sys.argv[2])
server.listen()
ready, told = os.pipe()
pids = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        null = os.open('/dev/null', os.O_RDWR)
        for fd in (0, 1, 2): os.dup2(null, fd)
        signal.signal(signal.SIGUSR1, lambda *_: server.close())
        os.write(told, b'.')
        while True: signal.pause()
    pids.append(pid)
while len(pids) < 4: pids.append(os.read(ready, 1))
print(pids[0], pids[1], flush=True)
`;

/** A directory whose name is short enough for a socket's. */
function place(t: Test): string {
  const dir = mkdtempSync(join(tmpdir(), 'hl-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  return dir;
}

async function server(t: Test, path: string, bound = path): Promise<[number, number]> {
  const { stdout } = await promisify(execFile)('python3', ['-c', SERVER, path, bound]);
  const [first = 0, second = 0] = stdout.trim().split(' ').map(Number);
  t.teardown(() => {
    for (const pid of [first, second]) process.kill(pid, 'SIGKILL');
  });
  return [first, second];
}

function startOf(pid: number): bigint {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return BigInt(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '') * 10_000_000n;
}

function event(n: number, path: string, over: Partial<abi.HlHandoffEvent> = {}): abi.HlHandoffEvent {
  const bytes = padded(path, abi.HL_PATH);
  return {
    ...{
      head: rootEvent(abi.HlEventType.EV_HANDOFF).head,
      who: who(n),
      to: GONE,
      toRoot: 0n,
      family: 1,
      port: 0,
    },
    ...{ toKind: 0, path: bytes, pathLen: path.length, bound: bytes, boundLen: path.length },
    ...over,
  };
}

/** A host on which these processes are those of two logins. */
function host(pids: readonly number[]): Host {
  const made = new Host();
  made.live = 1;
  pids.forEach((tgid, n) => {
    const proc = { tgid, startNs: startOf(tgid) };
    made.lines.set(tgid, who(n, { proc, owner: proc, root: n === 0 ? A : B }));
  });
  return made;
}

const tell = (on: Host, what: abi.HlHandoffEvent) =>
  on.at.handle(view(abi.writeHlHandoffEvent, what, abi.hlHandoffEventSize), 0);
const told = (on: Host) => on.record.of('handoff').map(([{ toLogin, toPid }]) => [toLogin, toPid]);

t.test('who holds the socket, as long as they do', async (t) => {
  const path = join(place(t), 's');
  const pids = await server(t, path);
  const on = host(pids);
  tell(on, event(1, path));
  tell(on, event(1, path));
  const [[, first] = []] = told(on);
  t.equal(told(on).length, 1, 'once for a process and a socket');
  const n = pids.indexOf(Number(first));
  t.same(told(on), [[idFromBigInt(n === 0 ? A : B), pids[n]]]);
  process.kill(pids[n] ?? 0, 'SIGUSR1');
  // Each time another process asks: while the machine is busy some looks are only counted.
  let asking = 2;
  await until(() => {
    tell(on, event(asking++, path));
    return told(on).some(([, pid]) => pid === pids[1 - n]);
  }, 'another holder is told');
  t.same(
    told(on).at(-1),
    [idFromBigInt(n === 0 ? B : A), pids[1 - n]],
    'the other one, when it has closed it',
  );
});

t.test('a pid that is another process by now is not whose it was', async (t) => {
  const path = join(place(t), 's');
  const pids = await server(t, path);
  const on = host(pids);
  for (const [pid, line] of on.lines) {
    const proc = { tgid: pid, startNs: line.proc.startNs + 10_000_000n };
    on.lines.set(pid, { ...line, proc, owner: proc });
  }
  tell(on, event(1, path));
  t.same(told(on), []);
});

t.test('two sockets that are bound as the same name are nobody we know', async (t) => {
  const dir = place(t);
  for (const each of ['a', 'b']) mkdirSync(join(dir, each));
  const word = `s${process.pid}`;
  const pids = await server(t, join(dir, 'a', word), word);
  const on = host(pids);
  tell(on, event(1, word));
  t.equal(told(on).length, 1);
  await server(t, join(dir, 'b', word), word);
  const again = host(pids);
  tell(again, event(1, word));
  t.same(told(again), []);
});

t.test('a server that is there is known by its start too', async (t) => {
  const on = new Host();
  on.live = 1;
  on.exec(5, { name: 'ssh-agent', root: A, parent: 77 });
  on.at.resolve(who(5, { root: A }), 1);
  const to = { ...key(5), startNs: key(5).startNs + 1n };
  tell(on, event(1, '/run/x', { to, toRoot: A }));
  t.match(
    on.record.of('handoff'),
    [[{ kind: 'unix-socket', toLogin: idFromBigInt(A) }]],
    'no ssh-agent any more',
  );
  tell(on, event(2, '/run/x', { to: key(5), toRoot: A }));
  t.match(on.record.of('handoff')[1], [{ kind: 'ssh-agent' }]);
});

t.test('a loop of connects does not decide how often /proc is read', async (t) => {
  const on = new Host();
  on.live = 1;
  let [now, scans] = [0, 0];
  const scan = () => {
    scans++;
    now += 50;
    return null;
  };
  const handoffs = new Handoffs(on.record, on.at, new Holders(scan, () => now));
  const flood = (from: number, root: bigint, count: number) => {
    for (let n = from; n < from + count; n++)
      handoffs.handle(event(n, `/tmp/${n}`, { who: who(n, { root }) }), now * 1000);
  };
  flood(0, ROOT, 1000);
  t.equal(scans, 7, 'three tenths of a second at once');
  flood(0, ROOT, 7);
  t.equal(scans, 7, 'what was looked up is known');
  flood(2000, A, 1);
  t.equal(scans, 8, "one login's loop leaves others theirs");
  now += 10_000;
  scans = 0;
  for (let second = 0; second < 20; second++, now += 1000) flood(10_000 + 100 * second, ROOT, 100);
  t.ok(scans <= 6 + 20, `${scans} scans in twenty seconds`);
  t.same(on.record.of('notice'), []);
  handoffs.settle(now * 1000);
  const [[notice] = []] = on.record.of('notice');
  t.match(notice, { kind: 'loss', login: idFromBigInt(ROOT), detail: /too many at a time/ });
  t.equal(notice?.count, 993 + 2000 - scans);
  handoffs.settle(now * 1000 + 2_000_000);
  t.equal(on.record.of('notice').length, 1, 'each told once');
});
