/** An ssh-agent of the test's own, without keys. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Test } from 'tap';
import { until } from '../../until.ts';

let count = 0;

/** Gone at the test's end. @returns its socket */
export async function startAgent(t: Test): Promise<string> {
  count += 1;
  const socket = `/tmp/hl-a-${process.pid}-${count}`;
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  t.teardown(() => agent.kill());
  await until(() => existsSync(socket), 'an agent');
  return socket;
}
