/** Resets at every moment of an orderly end, over TCP and over TLS on it. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { reset } from '../../src/core/reset.ts';
import { acceptTls, connectTls } from '../../src/tls/upgrade.ts';
import { rig } from '../tls/rig.ts';
import { listen } from '../tls/support.ts';
import { until } from '../until.ts';

const { context, target } = await rig(t);

const MOMENTS: Readonly<Record<string, (act: () => void) => void>> = {
  'in the same turn': (act) => act(),
  'in the next tick': (act) => process.nextTick(act),
  'in a microtask': (act) => queueMicrotask(act),
  'in the next turn': (act) => setImmediate(act),
  'two turns later': (act) => setImmediate(() => setImmediate(act)),
  'long after': (act) => setTimeout(act, 20),
};

async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

async function ends(socket: Socket, stream: Socket, when: (act: () => void) => void): Promise<string[]> {
  const seen: string[] = [];
  for (const each of new Set([socket, stream]))
    each
      .on('error', ({ message }) => seen.push(message))
      .on('close', () => seen.push(each === socket ? 'closed' : 'stream closed'));
  stream.end();
  when(() => reset(socket));
  const all = socket === stream ? 1 : 2;
  // What does not come is missed by the comparison.
  await until(() => seen.filter((each) => each.endsWith('closed')).length === all, 'closed').catch(() => {});
  return seen.sort();
}

for (const [moment, when] of Object.entries(MOMENTS)) {
  t.test(`over TCP, ${moment}`, async (t) => {
    const port = await listen(t, (socket) => socket.on('error', () => {}).resume());
    const before = descriptors();
    const socket = await dial(port);
    t.strictSame(await ends(socket, socket, when), ['closed']);
    t.ok(descriptors() <= before + 1, 'at most the other end’s is left');
  });

  t.test(`over TLS, ${moment}`, async (t) => {
    const port = await listen(t, (socket) => {
      acceptTls(
        socket.on('error', () => {}),
        null,
        context,
      ).then(
        ({ stream }) => stream.on('error', () => {}).resume(),
        () => {},
      );
    });
    const before = descriptors();
    const socket = await dial(port);
    const { stream } = await connectTls(socket, target());
    t.strictSame(await ends(socket, stream, when), ['closed', 'stream closed']);
    t.ok(descriptors() <= before + 1, 'at most the other end’s is left');
  });
}
