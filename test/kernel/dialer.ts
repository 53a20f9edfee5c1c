/**
 * Run inside the test's cgroup and network namespace. Reads a line of JSON, answers with a line: a list of
 * destinations to dial, each answered by the error's code or `connected`; or a command to run below this process.
 */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

export interface Dial {
  readonly transport: 'tcp' | 'udp';
  readonly address: string;
  readonly port: number;
}
export type Order = { readonly dial: readonly Dial[] } | { readonly run: readonly string[] };

function dial({ transport, address, port }: Dial): Promise<string> {
  return new Promise((resolve) => {
    if (transport === 'tcp') {
      const socket = connect({ host: address, port });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.on('connect', () => resolve('connected'));
      socket.on('close', () => socket.destroy());
      return;
    }
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.on('error', () => {});
    socket.send('x', port, address, (error) => {
      resolve((error as NodeJS.ErrnoException | null)?.code ?? 'connected');
      socket.close();
    });
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  if ('dial' in order) {
    const results: string[] = [];
    for (let at = 0; at < order.dial.length; at += 32)
      results.push(...(await Promise.all(order.dial.slice(at, at + 32).map(dial))));
    console.log(JSON.stringify(results));
  } else {
    const [file = '', ...args] = order.run;
    const { pid, status } = spawnSync(file, args);
    console.log(JSON.stringify({ pid, status }));
  }
}
