/** Supervisor and workers as real processes: claims, refusals, deaths, drains. */
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t from 'tap';
import { NO_SNAPSHOT } from '../../src/proxy/worker-snapshot.ts';
import { rig, until } from './pool.ts';

const echo = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
});
echo.listen(0, '127.0.0.1');
await once(echo, 'listening');
const destination = { address: '127.0.0.1', port: (echo.address() as AddressInfo).port };
t.teardown(() => echo.close());

function dial(port: number, host = '127.0.0.1'): Socket {
  const socket = connect({ host, port });
  socket.on('error', () => {});
  return socket;
}

async function failure(socket: Socket): Promise<string | undefined> {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  return error.code;
}

t.test('a claim names listener and client, on IPv4 and IPv6', async (t) => {
  await using r = await rig(destination);
  for (const [host, listener] of [
    ['127.0.0.1', r.listeners[0]],
    ['::1', r.listeners[1]],
  ] as const) {
    const socket = dial(listener?.port ?? 0, host);
    socket.end('x');
    socket.resume();
    await once(socket, 'close');
    t.match(r.claims.at(-1), { listener: listener?.name, client: { address: host } });
    t.type(r.claims.at(-1)?.client.port, 'number');
  }
  await until(() => r.ended.length === 2, 'both ends');
  t.equal(r.dialed.length, 2);
  t.match(r.dialed[0], { source: { address: '127.0.0.1' }, destination });
});

const r_ = { n: 0 };

t.test('refused, denied, undecided, undialable: the client is reset, and each hop ends', async (t) => {
  const replies = [
    () => ({ type: 'refuse', reason: 'no flow' }) as const,
    (reply: object) => ({ ...reply, outcome: 'deny', reason: 'policy night-shift' }),
    () => Promise.reject(new Error('the store is full')),
    (reply: object) => ({ ...reply, destination: { address: '127.0.0.1', port: 1 } }),
    (reply: object) => ({ ...reply, protocol: 'gopher' }),
  ];
  // biome-ignore lint/suspicious/noExplicitAny: replies of every shape, on purpose
  await using r = await rig(destination, (reply) => replies[r_.n++]?.(reply) as any);
  for (let n = 0; n < replies.length; n += 1) t.equal(await failure(dial(r.port)), 'ECONNRESET', `case ${n}`);
  await until(() => r.ended.length === 3, 'the ends of the three that were hops');
  t.match(r.ended, [
    { hop: 'H2', bytesUp: 0, bytesDown: 0, reason: 'policy night-shift' },
    { hop: 'H4', bytesUp: 0, bytesDown: 0, reason: /not reached: 127.0.0.1 port 1: .*ECONNREFUSED/ },
    { hop: 'H5', bytesUp: 0, bytesDown: 0, reason: 'no room speaks gopher' },
  ]);
  t.match(r.faults, ['a claim failed: the store is full']);
});

t.test('a reason of any length costs neither the worker nor its other connections', async (t) => {
  const reason = `${'x'.repeat(1022)}😀${'y'.repeat(4000)}`;
  const replies = [
    (reply: object) => ({ ...reply, reason }),
    () => ({ type: 'refuse', reason }) as const,
    (reply: object) => ({ ...reply, outcome: 'deny', reason }),
  ];
  let n = 0;
  // biome-ignore lint/suspicious/noExplicitAny: replies of every shape, on purpose
  await using r = await rig(destination, (reply) => replies[n++]?.(reply) as any);
  const pid = r.pool.workers()[0]?.pid;
  const live = dial(r.port);
  live.write('x');
  t.equal(String(await once(live, 'data')), 'x', 'allowed');
  t.equal(await failure(dial(r.port)), 'ECONNRESET', 'refused');
  t.equal(await failure(dial(r.port)), 'ECONNRESET', 'denied');
  t.match((await r.end('H3')).reason, /^x{512}$/);
  const reset = failure(live);
  r.pool.close('H1', reason);
  t.equal(await reset, 'ECONNRESET', 'closed');
  t.match((await r.end('H1')).reason, /^x{512}$/);
  t.same([r.pool.workers()[0]?.pid, r.lost, r.faults], [pid, [], []], 'by the same worker');
});

t.test('a decision that takes too long refuses, and a late one still ends its hop', async (t) => {
  let answer: () => void = () => {};
  const waits = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await using r = await rig(destination, (reply) => waits.then(() => reply));
  r.pool.replaceSnapshot({ ...NO_SNAPSHOT, claimTimeoutMs: 100, dialTimeoutMs: 1_000 });
  t.equal(await failure(dial(r.port)), 'ECONNRESET');
  answer();
  t.match(await r.end('H1'), { bytesUp: 0, bytesDown: 0, reason: /too late/ });
});

t.test('a dial that nobody answers ends at its limit', async (t) => {
  await using r = await rig(destination);
  r.pool.replaceSnapshot({ ...NO_SNAPSHOT, claimTimeoutMs: 1_000, dialTimeoutMs: 150 });
  // A listener whose backlog is full drops SYNs: the nearest to a black hole that loopback has.
  const { full, port, close } = await fullListener();
  t.ok(full);
  await using s = await rig({ address: '127.0.0.1', port });
  s.pool.replaceSnapshot({ ...NO_SNAPSHOT, claimTimeoutMs: 1_000, dialTimeoutMs: 150 });
  t.equal(await failure(dial(s.port)), 'ECONNRESET');
  t.match(await s.end('H1'), { reason: /did not answer within 0.15 s/ });
  t.equal(s.dialed.length, 1, 'its packets are still explained');
  close();
});

t.test('connections spread over the workers', async (t) => {
  await using r = await rig(destination, undefined, { count: 2 });
  const sockets: Socket[] = [];
  const shares = (from: number) =>
    [0, 1].map((id) => r.claims.slice(from).filter(({ worker }) => worker === id).length);
  const enough = async (least: number, arrive: () => Promise<void>) => {
    const seen: number[][] = [];
    // On a busy machine one worker may not be given a processor while the other takes all.
    for (let tries = 0; tries < 10; tries += 1) {
      const from = r.claims.length;
      await arrive();
      seen.push(shares(from));
      if (Math.min(...shares(from)) >= least) return null;
    }
    return seen.join(' ');
  };
  const burst = async () => {
    const from = r.claims.length;
    for (let n = 0; n < 200; n += 1) sockets.push(dial(r.port));
    await until(() => r.claims.length === from + 200, 'every claim');
    for (const socket of sockets.splice(0)) socket.destroy();
  };
  t.equal(await enough(40, burst), null, 'in a burst');
  const slowly = async () => {
    for (let n = 0; n < 100; n += 1) {
      const from = r.claims.length;
      const socket = dial(r.port);
      await once(socket, 'connect');
      await until(() => r.claims.length === from + 1, 'the claim');
      socket.destroy();
    }
  };
  t.equal(await enough(10, slowly), null, 'one after another');
});

t.test(
  'a killed worker: its hops are handed over, another takes its place, the backlog is served',
  async (t) => {
    await using r = await rig(destination);
    const sockets = Array.from({ length: 20 }, () => dial(r.port));
    for (const socket of sockets) {
      socket.write('x');
      await once(socket, 'data');
    }
    const [worker] = r.pool.workers();
    t.equal(worker?.open, 20);
    const closed = Promise.all(sockets.map((socket) => once(socket, 'close')));
    process.kill(worker?.pid ?? 0, 'SIGKILL');
    const waiting = dial(r.port);
    waiting.write('x');
    await closed;
    await until(() => r.lost.length === 1, 'the loss');
    t.match(r.lost[0], { pid: worker?.pid, reason: /SIGKILL/ });
    t.same(r.lost[0]?.hops.length, 20);
    await once(waiting, 'data');
    t.equal(r.pool.workers()[0]?.restarts, 1);
    waiting.destroy();
  },
);

t.test('a worker that dies while the decision is made: the hop is handed over all the same', async (t) => {
  await using r = await rig(destination, async (reply) => {
    process.kill(r.pool.workers()[0]?.pid ?? 0, 'SIGKILL');
    await until(() => r.lost.length > 0, 'the loss');
    return reply;
  });
  dial(r.port);
  await until(() => r.lost.some(({ hops }) => hops.includes('H1')), 'the hop in a loss');
  t.match(r.lost.at(-1), { hops: ['H1'], reason: /before the decision/ });
});

t.test('drain: no new connection, live ones go on until the deadline, then are reset', async (t) => {
  await using r = await rig(destination);
  const [quick, slow] = [dial(r.port), dial(r.port)];
  for (const socket of [quick, slow]) {
    socket.write('x');
    await once(socket, 'data');
  }
  const drained = r.pool.drain(2000);
  await new Promise((resolve) => setTimeout(resolve, 100));
  quick.write('y');
  t.equal(String(await once(quick, 'data')), 'y');
  quick.end();
  t.equal(await failure(slow), 'ECONNRESET');
  await drained;
  t.match(r.ended.map(({ reason }) => reason).sort(), [null, 'the proxy stopped'].sort());
  t.same(r.lost, []);
  t.same(
    r.pool.workers().map(({ pid }) => pid),
    [null],
  );
});

t.test(
  'a worker has no privilege, no environment and no descriptor but its own',
  {
    skip: process.getuid?.() === 0 ? false : 'needs root',
  },
  async (t) => {
    await using r = await rig(destination, undefined, { account: { uid: 65534, gid: 65534 } });
    const pid = r.pool.workers()[0]?.pid ?? 0;
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const field = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1] ?? '';
    t.equal(field('Uid'), '65534\t65534\t65534\t65534');
    t.equal(field('Gid'), '65534\t65534\t65534\t65534');
    t.equal(field('Groups').trim(), '');
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      t.match(field(set), /^0+$/, `${set} is empty`);
    t.equal(field('NoNewPrivs'), '1');
    const names = readFileSync(`/proc/${pid}/environ`, 'utf8').match(/(?<=^|\0)[^=]+/g) ?? [];
    // tap puts itself into every Node that a test starts.
    const own = names.filter((name) => !/^(_?TAP|NODE_CHANNEL|NODE_OPTIONS$)/.test(name));
    t.same(own, []);
    const socket = dial(r.port);
    socket.end('through');
    t.equal(String(await once(socket, 'data')), 'through');
  },
);

t.test('the fixture dies by kill -9: workers exit at once, connections end by reset', async (t) => {
  const { spawn } = await import('node:child_process');
  const script = `${import.meta.dirname}/fixture/supervisor.ts`;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', script, String(destination.port)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { port, pids } = JSON.parse(line.toString()) as { port: number; pids: number[] };
  const sockets = Array.from({ length: 10 }, () => dial(port));
  for (const socket of sockets) {
    socket.write('x');
    await once(socket, 'data');
  }
  const resets = Promise.all(sockets.map(failure));
  const killed = Date.now();
  child.kill('SIGKILL');
  t.same(new Set(await resets), new Set(['ECONNRESET']));
  await until(() => pids.every((pid) => !alive(pid)), 'the workers exit');
  t.ok(Date.now() - killed < 5_000, `${Date.now() - killed} ms`);
  t.match(await failure(dial(port)), /^ECONNRE(FUSED|SET)$/, 'nobody serves any more');
});

function alive(pid: number): boolean {
  if (!existsSync(`/proc/${pid}/stat`)) return false;
  try {
    readlinkSync(`/proc/${pid}/exe`);
    return true;
  } catch {
    return false;
  }
}

/** A listener with room for one connection, which is taken. */
async function fullListener(): Promise<{ full: boolean; port: number; close: () => void }> {
  const { default: koffi } = await import('koffi');
  const { openListeners, closeListeners } = await import('../../src/proxy/listen.ts');
  const listeners = openListeners({ v4: { address: '127.0.0.1', port: 0 }, v6: null }, {});
  const listen = koffi.load('libc.so.6').func('int listen(int fd, int backlog)');
  const fd = listeners[0]?.fd ?? -1;
  const port = listeners[0]?.port ?? 0;
  const full = listen(fd, 0) === 0;
  const filling = Array.from({ length: 3 }, () => dial(port));
  await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    full,
    port,
    close: () => {
      for (const socket of filling) socket.destroy();
      closeListeners(listeners);
    },
  };
}
