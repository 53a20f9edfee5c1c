/** What the benchmark adds to a fresh lab: its targets and policy, two networks that end on web1, and the far end there. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Lab, LOAD } from './lab.ts';

const ETC = join(import.meta.dirname, 'etc');
const ECHO_PORTS = Array.from({ length: 64 }, (_, index) => 7000 + index);

export async function prepare(lab: Lab): Promise<void> {
  // Any address of the two networks is web1: a destination then says whose connection it is.
  await lab.exec('web1', ['ip', 'route', 'replace', 'local', '10.98.0.0/15', 'dev', 'lo']);
  await lab.exec('web1', [
    'sh',
    '-c',
    'echo 16384 >/proc/sys/net/core/somaxconn; echo 65536 >/proc/sys/net/ipv4/tcp_max_syn_backlog',
  ]);
  await lab.exec('bastion1', ['ip', 'route', 'replace', '10.98.0.0/15', 'via', '10.77.0.30']);
  lab.background(['exec', 'web1', '--', join(LOAD, 'peer')]);

  const ports = [...ECHO_PORTS, 7100, 7101].join(', ');
  const ours = readFileSync(join(ETC, 'targets.yaml'), 'utf8')
    .replaceAll('@PORTS@', ports)
    .replace('targets:\n', '');
  const file = lab.path('bastion1', '/etc/hopline/targets.yaml');
  const there = readFileSync(file, 'utf8');
  if (!there.includes('bench-direct')) writeFileSync(file, there + ours);
  // Alone: what is direct has to be decided alike for everybody.
  for (const file of ['lab.cedar', 'hosts.cedar'])
    rmSync(lab.path('bastion1', `/etc/hopline/policies/${file}`), { force: true });
  writeFileSync(
    lab.path('bastion1', '/etc/hopline/policies/bench.cedar'),
    readFileSync(join(ETC, 'bench.cedar')),
  );
  using client = await lab.client('bastion1');
  await client.call('reload', {});
  await sleep(200);
}
