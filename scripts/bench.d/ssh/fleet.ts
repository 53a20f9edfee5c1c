/** Two hosts of a fleet: how soon what one revokes is closed on the other. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { absolute, type Bench, type Result } from '../figure.ts';
import type { Lab } from '../lab.ts';
import { median } from '../numbers.ts';
import { LOGIN } from './far.ts';

const HOSTS = [
  { host: 'bastion1', address: '10.77.0.11' },
  { host: 'bastion2', address: '10.77.0.12' },
] as const;
const PORT = 7422;

/** A lab that an earlier run left has joined already. */
async function join(lab: Lab): Promise<void> {
  using first = await lab.client('bastion1');
  using second = await lab.client('bastion2');
  if ((await first.call('peers', {})).joined) return;
  for (const { host, address } of HOSTS) {
    appendFileSync(
      lab.path(host, '/etc/hopline/hopline.yaml'),
      `\npeering: {listen: "${address}:${PORT}"}\n`,
    );
    await (host === 'bastion1' ? first : second).call('reload', {});
  }
  const { endpoint, token } = await first.call('peer.invite', { host: 'bastion2' });
  await second.call('peer.join', { endpoint: endpoint ?? '', token });
  await found('the hosts are connected', async () =>
    (await first.call('peers', {})).peers.some(({ connected }) => connected),
  );
}

async function found<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  for (let tries = 0; tries < 100; tries++) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    await sleep(100);
  }
  throw new Error(`not within 10 s: ${what}`);
}

/** A connection on bastion2, by a login that came from bastion1, until it is closed: the program there notes when. */
export async function revokedThere({ lab, quick, progress }: Bench): Promise<Result> {
  const count = quick ? 5 : 20;
  progress('revocations on another host');
  await join(lab);
  using first = await lab.client('bastion1');
  using second = await lab.client('bastion2');
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const file = `/tmp/bench-closed-${Date.now()}`;
    const holds = `exec 3<>/dev/tcp/10.77.0.30/80; cat <&3; date +%s%N >${file}`;
    const onward = `ssh -q -o StrictHostKeyChecking=accept-new alice@10.77.0.12 'setsid nohup bash -c "${holds}" >/dev/null 2>&1 & sleep 60'`;
    const ends = lab.ssh(LOGIN, [onward]).catch(() => undefined);
    const [above, below] = await found('a login on bastion2 that came from bastion1', async () => {
      const [login] = await second.call('logins', { limit: 1 });
      if (login?.link?.evidence == null) return undefined;
      const [open] = await second.call('hops', { login: login.id, open: true, limit: 1 });
      const [from] = await first.call('hops', { hop: login.link.hop, limit: 1 });
      return open === undefined || !from?.login ? undefined : ([from.login, login.id] as const);
    });
    await sleep(200);
    const asked = performance.timeOrigin + performance.now();
    await first.call('revoke', { what: `login:${above}`, reason: 'bench' });
    const path = lab.path('bastion2', file);
    await found(
      `the connection of ${below} is closed`,
      async () => existsSync(path) && readFileSync(path).length > 0,
    );
    times.push(Number(readFileSync(path, 'utf8')) / 1e6 - asked);
    await ends;
  }
  const detail = `from the request on bastion1's control socket until a program on bastion2 reads the end of its connection and runs date; the slowest of ${count}, median ${median(times).toFixed(1)} ms`;
  return absolute('revoked to closed, on a peer', Math.max(...times), 'ms', 1000, detail);
}
