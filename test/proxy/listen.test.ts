/** Listeners: our own, and systemd's. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { closeListeners, openListeners } from '../../src/proxy/listen.ts';

const SOURCE = new URL('../../src/proxy/listen.ts', import.meta.url).href;

t.test('both families listen at once, and nobody accepts', async (t) => {
  const listeners = openListeners(
    { v4: { address: '127.0.0.1', port: 0 }, v6: { address: '::1', port: 0 } },
    {},
  );
  t.match(listeners, [
    { name: 'v4', address: '127.0.0.1', inherited: false },
    { name: 'v6', address: '::1', inherited: false },
  ]);
  for (const { address, port } of listeners) {
    const socket = connect({ host: address, port });
    await once(socket, 'connect');
    socket.on('error', () => {});
    socket.destroy();
  }
  closeListeners(listeners);
});

t.test('an address that is taken is named, with the fix', async (t) => {
  const [first] = openListeners({ v4: { address: '127.0.0.1', port: 0 }, v6: null }, {});
  const at = { address: '127.0.0.1', port: first?.port ?? 0 };
  t.throws(() => openListeners({ v4: at, v6: null }, {}), {
    name: 'ListenError',
    code: 'EADDRINUSE',
    message: new RegExp(`127.0.0.1 port ${at.port} .*ss -ltnp`),
  });
  t.throws(() => openListeners({ v4: { address: '192.0.2.1', port: 0 }, v6: null }, {}), {
    code: 'EADDRNOTAVAIL',
  });
  closeListeners(first === undefined ? [] : [first]);
});

/** Runs openListeners in a child that has `fds` listeners from descriptor 3 on, as systemd would start it. */
async function activated(names: string, pid = 'self', listeners = 2): Promise<string> {
  const given = openListeners({ v4: { address: '127.0.0.1', port: 0 }, v6: { address: '::1', port: 0 } }, {});
  const script = `
    const { openListeners } = await import(${JSON.stringify(SOURCE)});
    if (process.env.LISTEN_PID === 'self') process.env.LISTEN_PID = String(process.pid);
    try {
      const got = openListeners({ v4: { address: '127.0.0.1', port: 0 }, v6: null });
      console.log(JSON.stringify([got.map(({ name, fd, inherited }) => [name, fd, inherited]), process.env.LISTEN_FDS ?? null]));
    } catch (error) { console.log(error.code, error.message); }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { LISTEN_PID: pid, LISTEN_FDS: String(listeners), LISTEN_FDNAMES: names },
    stdio: ['ignore', 'pipe', 'inherit', ...given.map(({ fd }) => fd)],
  });
  let out = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk;
  });
  await once(child, 'close');
  closeListeners(given);
  return out.trim();
}

t.test("systemd's sockets are taken by name, and its variables removed", async (t) => {
  t.equal(await activated('proxy:proxy'), '[[["v4",3,true],["v6",4,true]],null]');
});

t.test('only for the process that they are meant for', async (t) => {
  t.match(await activated('proxy:proxy', '1'), /^\[\[\["v4",\d+,false\]\],null\]$/);
});

t.test('what is not ours, or no listener, is an error', async (t) => {
  t.match(await activated('proxy:web'), /^activation .*named web.*FileDescriptorName=/);
  t.match(await activated('proxy:proxy:proxy', 'self', 3), /^activation descriptor 5 .* not a listening/);
});
