/** Temporary authorities, sockets in pairs, and Debian's openssl. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuthority } from '../../src/tls/ca.ts';
import { Mint } from '../../src/tls/mint.ts';
import { until as patiently } from '../until.ts';

export interface Teardown {
  teardown(done: () => unknown): void;
}

export function directory(t: Teardown): string {
  const path = mkdtempSync(join(tmpdir(), 'hopline-tls-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export async function authority(t: Teardown, host = 'bastion1') {
  const path = directory(t);
  const opened = await openAuthority({ directory: path, host });
  return { directory: path, authority: opened, mint: new Mint({ authority: opened }) };
}

/** Two ends of one TCP connection as the proxy has them: paused, half-open allowed. `raw` leaves both to the caller. */
export async function pair(t: Teardown): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const far = connect({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    allowHalfOpen: true,
  });
  const [near] = (await once(server, 'connection')) as [Socket];
  server.close();
  t.teardown(() => {
    near.destroy();
    far.destroy();
  });
  return { near, far };
}

/** Listens on loopback until the test is over. */
export async function listen(t: Teardown, handler: (socket: Socket) => unknown): Promise<number> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    handler(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

export interface Ran {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program to its end, with text on its stdin. */
export async function run(command: string, args: readonly string[], input = ''): Promise<Ran> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: 20_000 });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('latin1');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString('latin1');
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

export const until = (look: () => boolean, what: string, ms = 5000) => patiently(look, what, ms);
