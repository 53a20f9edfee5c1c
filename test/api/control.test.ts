import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, connect as dial, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ControlClient } from '../../src/api/client.ts';
import type { Handlers } from '../../src/api/connection.ts';
import { ControlError } from '../../src/api/protocol.ts';
import { ControlServer } from '../../src/api/server.ts';
import { storeHandlers } from '../../src/api/store.ts';
import { WatchHub } from '../../src/api/watch.ts';
import { LookupError } from '../../src/store/errors.ts';
import { hop, id, process as image, login, T0, temporaryStore } from '../store/seed.ts';
import { until } from '../until.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Everything that comes back for `text`, once the connection or a line of it is done. */
async function raw(path: string, text: string | Buffer, lines = 1): Promise<string[]> {
  const socket = dial(path);
  socket.write(text);
  let got = '';
  for await (const chunk of socket) {
    got += chunk;
    if (got.split('\n').length > lines) break;
  }
  return got.split('\n').filter(Boolean);
}

/** A socket's path is short, and tap's own directories are not. */
function directory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'hopline-api-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

async function serving(t: Test, handlers: Handlers, limits = {}) {
  const path = join(directory(t), 'c.sock');
  const errors: unknown[] = [];
  const server = new ControlServer({ path, limits, onError: (error) => errors.push(error) }, handlers);
  await server.listen();
  t.teardown(() => server.close());
  return { path, server, errors };
}

t.test('questions and answers over the store, several at a time', async (t) => {
  using s = temporaryStore();
  s.store.writer.insertLogin(login());
  s.store.writer.insertProcess(image({ argv: ['sh', '-c', 'a\nb'] }));
  s.store.writer.insertHop(hop());
  const { path } = await serving(t, storeHandlers(s.store.reader));
  t.equal(statSync(path).mode & 0o777, 0o660);
  using client = await ControlClient.connect({ path });
  const [tree, hops, logins] = await Promise.all([
    client.call('tree', { login: id(0).toLowerCase() }),
    client.call('hops', { login: id(0), since: '2026-01-01T00:00:00Z' }),
    client.call('logins', {}),
  ]);
  t.match(tree.logins[0], { id: id(0), started: '2026-09-21T14:13:20.000Z', ended: null });
  t.strictSame(tree.logins[0]?.processes[0]?.argv, ['sh', '-c', 'a\nb']);
  t.equal(tree.logins[0]?.hops[0]?.id, id(5));
  t.equal(hops.length, 1);
  t.equal(logins.length, 1);
  await t.rejects(client.call('tree', { login: 'ZZZZ' }), { code: 'not_found' });
  await t.rejects(client.call('status', {}), { code: 'unknown_method' });
});

t.test('a handler knows who asks', async (t) => {
  const { path } = await serving(t, {
    revoke: (_params, { peer }) => ({
      type: 'user',
      logins: [`${peer.uid} ${peer.pid}`],
      hops: [],
      silenced: [],
      open: [],
      hosts: [],
    }),
  });
  using client = await ControlClient.connect({ path });
  const { logins } = await client.call('revoke', { what: 'x' });
  t.strictSame(logins, [`${process.getuid?.()} ${process.pid}`]);
});

t.test('what a handler throws', async (t) => {
  const { path, errors } = await serving(t, {
    reload: () => {
      throw new Error('a surprise');
    },
    status: () => {
      throw new ControlError('refused', 'not now');
    },
    logins: async () => {
      throw new LookupError('ambiguous', 'which one');
    },
  });
  using client = await ControlClient.connect({ path });
  await t.rejects(client.call('reload', {}), { code: 'internal', message: 'a surprise' });
  await t.rejects(client.call('status', {}), { code: 'refused', message: 'not now' });
  await t.rejects(client.call('logins', {}), { code: 'ambiguous' });
  t.equal(errors.length, 1, 'only the surprise is the daemon’s own problem');
});

t.test('hostile lines', async (t) => {
  const { path } = await serving(
    t,
    { logins: () => [], reload: () => new Promise(() => {}) },
    { inFlight: 2, patienceMs: 1000 },
  );
  const answers = await raw(
    path,
    '{"id":1,"method":"logins"}\nnonsense\n[]\n{"id":"x"}\n{"id":1.5}\nnull\n',
    6,
  );
  t.equal(answers.length, 6);
  t.equal(answers.filter((line) => JSON.parse(line).error?.code === 'bad_request').length, 5);
  const bad = await raw(path, '{"id":3,"method":"logins","params":{"limit":"many","shell":1}}\n');
  t.match(JSON.parse(bad[0] ?? ''), { id: 3, error: { code: 'bad_request', message: /limit.*shell/s } });
  for (const method of ['__proto__', 'constructor', 'toString', 'policy.explain', 7, null]) {
    const [line] = await raw(path, `${JSON.stringify({ id: 4, method })}\n`);
    t.match(JSON.parse(line ?? ''), { id: 4, error: { code: 'unknown_method' } });
  }
  const proto = await raw(path, '{"id":4,"method":"logins","params":{"__proto__":{"all":true}}}\n');
  t.equal(proto.length, 1);
  const huge = await raw(path, Buffer.alloc(1 << 20, 0x61));
  t.match(JSON.parse(huge[0] ?? ''), { id: null, error: { code: 'bad_request', message: /65536 bytes/ } });
  const busy = await raw(
    path,
    '{"id":1,"method":"reload"}\n{"id":2,"method":"reload"}\n{"id":3,"method":"reload"}\n',
  );
  t.match(JSON.parse(busy[0] ?? ''), { id: 3, error: { code: 'busy' } });

  const half = dial(path);
  half.write('{"id":1,"meth');
  await once(half, 'close');
  t.pass('half a line does not hold a connection for ever');

  const abrupt = dial(path);
  await once(abrupt, 'connect');
  abrupt.write('{"id":1,"method":"logins"}\n{"id":2,"meth');
  abrupt.destroy();
  using client = await ControlClient.connect({ path });
  t.strictSame(await client.call('logins', {}), [], 'and the next one is served');
});

t.test('a line in pieces, and many in one piece', async (t) => {
  const { path } = await serving(t, { logins: () => [] });
  const socket = dial(path);
  for (const byte of Buffer.from('{"id":9,"method":"logins","params":{"user":"ü"}}\n')) {
    socket.write(Buffer.of(byte));
    await pause(1);
  }
  const [chunk] = await once(socket, 'data');
  t.equal(String(chunk), '{"id":9,"result":[]}\n');
  socket.destroy();
  const many = Array.from({ length: 10 }, (_, n) => `{"id":${n},"method":"logins"}\n`).join('');
  t.equal((await raw(path, many, 10)).length, 10);
});

t.test('watch: events in order, then the end', async (t) => {
  const hub = new WatchHub();
  const { path, server } = await serving(t, { watch: hub.handler });
  const client = await ControlClient.connect({ path });
  const seen: unknown[] = [];
  for await (const event of client.stream('watch', {})) {
    seen.push((event as { type: string }).type);
    if (seen.length === 1) {
      hub.publish('login', login());
      hub.publish('hop', hop());
      hub.publish('notice', { id: 1, at: T0, kind: 'gap', login: null, count: 1, detail: '' });
    }
    if (seen.length === 4) void server.close();
  }
  t.strictSame(seen, ['watching', 'login', 'hop', 'notice']);
  t.equal(hub.size, 0);
});

t.test('a client that leaves is forgotten', async (t) => {
  const hub = new WatchHub();
  const { path } = await serving(t, { watch: hub.handler });
  const client = await ControlClient.connect({ path });
  for await (const _ of client.stream('watch', {})) break;
  await until(() => hub.size === 0, 'nobody watches');
});

/** Somebody who watches, and reads nothing until `resume`. */
async function idleWatcher(path: string) {
  const socket: Socket = dial(path);
  socket.write('{"id":1,"method":"watch"}\n');
  await once(socket, 'data');
  socket.pause();
  let text = '';
  socket.on('data', (chunk) => (text += chunk));
  /** Whole lines of it so far. */
  const lines = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line));
  return { socket, lines };
}

const EVENTS = 5000;
const argv = ['x'.repeat(1000)];

t.test('a slow client misses events, is told how many, and goes on', async (t) => {
  const hub = new WatchHub();
  const { path } = await serving(t, { watch: hub.handler }, { buffered: 100_000 });
  const { socket, lines } = await idleWatcher(path);
  t.teardown(() => socket.destroy());
  for (let n = 0; n < EVENTS; n++) {
    hub.publish('process', image({ id: n, argv }));
    if (n % 100 === 0) await pause(1);
  }
  socket.resume();
  const ofType = (type: string) => lines().filter(({ event }) => event?.type === type);
  const missed = () => ofType('missed').reduce((sum, { event }) => sum + event.count, 0);
  const accounted = () => missed() + ofType('process').length;
  await until(() => accounted() >= EVENTS, 'every event is accounted for').catch(() => {});
  t.equal(accounted(), EVENTS, 'every event is accounted for');
  t.ok(missed() > 0, 'it is told');
  hub.publish('notice', { id: 1, at: T0, kind: 'gap', login: null, count: 1, detail: 'after' });
  await until(() => ofType('notice').length > 0, 'what happens afterwards');
  t.equal(lines().at(-1)?.event.record?.detail, 'after', 'and goes on');
});

t.test('a client that never reads is let go, and told why', async (t) => {
  const hub = new WatchHub();
  const { path } = await serving(t, { watch: hub.handler }, { buffered: 10_000, patienceMs: 2000 });
  const { socket, lines } = await idleWatcher(path);
  for (let n = 0; n < EVENTS; n++) hub.publish('process', image({ id: n, argv }));
  await until(() => hub.size === 0, 'who never reads is dropped');
  const closed = once(socket, 'close');
  socket.resume();
  await closed;
  const [missed, why] = lines().slice(-2);
  t.match(missed, { event: { type: 'missed', count: Number } });
  t.match(why, { error: { code: 'slow' } });
});

t.test('the socket: a stale one is replaced, a live one and a file are not', async (t) => {
  const dir = directory(t);
  const path = join(dir, 'c.sock');
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.ok(statSync(path).isSocket(), 'left behind');
  await t.rejects(ControlClient.connect({ path }), {
    code: 'unreachable',
    message: `hoplined is not running (no answer on ${path}: ECONNREFUSED): systemctl start hoplined`,
  });
  const first = new ControlServer({ path }, {});
  await first.listen();
  await t.rejects(new ControlServer({ path }, {}).listen(), /another hoplined answers/);
  await first.close();
  t.throws(() => statSync(path), 'removed when closed');
  await t.rejects(new ControlServer({ path: join(dir, 'x'.repeat(100)) }, {}).listen(), /107 bytes/);
  writeFileSync(path, 'precious');
  await t.rejects(new ControlServer({ path }, {}).listen(), /not a socket/);
  await t.rejects(ControlClient.connect({ path: join(dir, 'none') }), { code: 'unreachable' });
});

t.test('a daemon that does not answer, or talks nonsense', async (t) => {
  const path = join(directory(t), 'c.sock');
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    if (sockets.length === 2) socket.write('hello\n');
    if (sockets.length === 3) socket.end();
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  for (const code of ['timeout', 'closed', 'closed']) {
    using client = await ControlClient.connect({ path, timeoutMs: 1000 });
    await t.rejects(client.call('logins', {}), { code });
  }
});
