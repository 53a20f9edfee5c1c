import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that the kernel gives to who connects. */
const [LOWEST, PORTS] = [20_000, 12_000];
let next = process.pid * 101;

/** A port that nobody listens on, and that none of the tests beside this one is given. */
export async function freePort(): Promise<number> {
  for (;;) {
    next += 1;
    const port = LOWEST + (next % PORTS);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
