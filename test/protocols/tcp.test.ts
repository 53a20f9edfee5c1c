/** The tcp room through a real worker: bytes, ends and resets as they would be without it. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import t from 'tap';
import { rig, until } from '../proxy/pool.ts';

type Serve = (socket: Socket) => void;

async function serve(handler: Serve): Promise<{ server: Server; port: number }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    handler(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

function dial(port: number): Socket {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.on('error', () => {});
  return socket;
}

async function all(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  // Not `for await`: that closes the socket at the end, both ways.
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

let handler: Serve = () => {};
let idleMs = 0;
const { server, port: target } = await serve((socket) => handler(socket));
const r = await rig({ address: '127.0.0.1', port: target }, (reply) => ({
  ...reply,
  limitIdleMs: idleMs,
}));

let hops = 0;
const open = (): { socket: Socket; hop: string } => {
  hops += 1;
  return { socket: dial(r.port), hop: `H${hops}` };
};

t.teardown(async () => {
  await r[Symbol.asyncDispose]();
  server.close();
});

t.test('bytes both ways are the same, and counted exactly', async (t) => {
  handler = (socket) => socket.pipe(socket);
  const sent = randomBytes(5_000_003);
  const { socket, hop } = open();
  socket.end(sent);
  const got = await all(socket);
  t.equal(sha(got), sha(sent));
  t.match(await r.end(hop), { bytesUp: sent.length, bytesDown: sent.length, reason: null });
});

t.test('small messages, one at a time', async (t) => {
  handler = (socket) => socket.pipe(socket);
  const { socket, hop } = open();
  for (let n = 0; n < 200; n += 1) {
    socket.write(`message ${n}`);
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    if (chunk.toString() !== `message ${n}`) t.fail(`got ${chunk}`);
  }
  socket.end();
  const end = await r.end(hop);
  t.equal(end.bytesUp, end.bytesDown);
});

t.test('end one way, and the other way goes on', async (t) => {
  handler = async (socket) => {
    const request = await all(socket);
    socket.write(`got ${request.length}, `);
    setTimeout(() => socket.end('and more later'), 50);
  };
  const { socket, hop } = open();
  socket.end('question');
  t.equal((await all(socket)).toString(), 'got 8, and more later');
  t.match(await r.end(hop), { bytesUp: 8, bytesDown: 21, reason: null });
});

t.test('the destination ends first, and the client goes on', async (t) => {
  let received = '';
  handler = async (socket) => {
    socket.end('greeting');
    received = (await all(socket)).toString();
  };
  const { socket, hop } = open();
  t.equal((await all(socket)).toString(), 'greeting');
  socket.write('after ');
  socket.end('the end');
  t.match(await r.end(hop), { bytesUp: 13, bytesDown: 8, reason: null });
  await until(() => received !== '', 'the destination reads to the end');
  t.equal(received, 'after the end');
});

t.test('a reset by the destination reaches the client as a reset', async (t) => {
  handler = (socket) => socket.once('data', () => socket.resetAndDestroy());
  const { socket, hop } = open();
  socket.write('x');
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  t.equal(error.code, 'ECONNRESET');
  t.match(await r.end(hop), { reason: /reset by the destination/ });
});

t.test('a reset by the client reaches the destination as a reset', async (t) => {
  const errors: string[] = [];
  handler = (socket) => {
    socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''));
    socket.write('hello');
  };
  const { socket, hop } = open();
  await once(socket, 'data');
  socket.resetAndDestroy();
  t.match(await r.end(hop), { reason: /reset by the client/ });
  await until(() => errors.length > 0, 'a reset at the destination');
  t.same(errors, ['ECONNRESET']);
});

t.test('a slow reader holds the sender back', async (t) => {
  let sent = 0;
  let peer: Socket | null = null;
  const chunk = Buffer.alloc(1 << 20);
  handler = (socket) => {
    peer = socket;
    const more = (): void => {
      while (sent < 300 * chunk.length && socket.write(chunk)) sent += chunk.length;
      sent += sent < 300 * chunk.length ? chunk.length : 0;
      if (sent >= 300 * chunk.length) socket.end();
    };
    socket.on('drain', more);
    more();
  };
  const { socket, hop } = open();
  socket.pause();
  await once(socket, 'connect');
  await until(() => peer !== null, 'the destination is dialed');
  let held = -1;
  let since = 0;
  const stopped = () => {
    if (sent !== held) [held, since] = [sent, Date.now()];
    return held > 0 && Date.now() - since > 500;
  };
  await until(stopped, 'the sender to stand still');
  t.ok(held < 100 * chunk.length, `held at ${held >> 20} MiB`);
  let got = 0;
  for await (const piece of socket) got += (piece as Buffer).length;
  socket.end();
  t.equal((await r.end(hop)).bytesDown, got);
});

t.test('a reset under way counts only what was taken', async (t) => {
  const peers: Socket[] = [];
  handler = (socket) => {
    // Something, and no more.
    socket.once('data', () => {
      socket.pause();
      peers.push(socket);
    });
  };
  const { socket, hop } = open();
  socket.write(Buffer.alloc(64 << 20));
  await until(() => peers.length > 0, 'something at the destination');
  t.ok(r.pool.close(hop, 'revoked'));
  const end = await r.end(hop);
  t.equal(end.reason, 'revoked');
  peers[0]?.resume();
  await until(() => peers[0]?.destroyed === true, 'the destination is reset');
  t.ok(end.bytesUp > 0 && end.bytesUp < 64 << 20, `${end.bytesUp} bytes`);
  t.notOk(r.pool.close(hop, 'again'), 'it is over');
});

t.test('a hop without traffic ends at its idle limit', async (t) => {
  idleMs = 200;
  handler = () => {};
  const { socket, hop } = open();
  await once(socket, 'error');
  t.match(await r.end(hop), { reason: 'idle for 0.2 s' });
  idleMs = 0;
});

t.test('many at once, with ends in every order', async (t) => {
  handler = (socket) => socket.pipe(socket);
  const sizes = Array.from({ length: 120 }, (_, n) => (n * 7919) % 300_000);
  const first = hops;
  const results = await Promise.all(
    sizes.map(async (size) => {
      const sent = randomBytes(size);
      const { socket } = open();
      socket.end(sent);
      return (await all(socket)).equals(sent);
    }),
  );
  t.ok(results.every(Boolean));
  await until(() => r.ended.length >= first + sizes.length, 'every end');
  const up = r.ended.slice(first).map((end) => end.bytesUp);
  t.same(
    up.sort((a, b) => a - b),
    sizes.sort((a, b) => a - b),
  );
});
