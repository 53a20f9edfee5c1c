/** Shells: how long a new connection takes, and a key; what one costs that is held; how soon one is ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { absolute, added, type Bench, type Result } from '../figure.ts';
import { growth } from '../growth.ts';
import { LOAD } from '../lab.ts';
import { median, pairs, quantile } from '../numbers.ts';
import { DIRECT, INSPECTED, LOGIN } from './far.ts';
import { inStore } from './record.ts';

/** What tells ssh which key is Hopline's is of Hopline's making: without Hopline there is none to run. */
const WITHOUT = ['-o', 'KnownHostsCommand=none'];

/**
 * As OpenSSH comes, which then exchanges keys with sshd by sntrup761, that Node has not: so Hopline may be the quicker. And
 * by what both have; there too, for between NEWKEYS and the request for a service OpenSSH's client waits up to 40 ms for
 * sshd's acknowledgement (Nagle's algorithm), and Hopline acknowledges at once.
 */
const EXCHANGES = [
  { name: 'as it comes', options: [] },
  { name: 'by curve25519', options: ['-o', 'KexAlgorithms=curve25519-sha256'] },
] as const;

export async function connections({ lab, quick, progress }: Bench): Promise<Result[]> {
  const count = quick ? 10 : 100;
  const results: Result[] = [];
  for (const { name, options } of EXCHANGES) {
    progress(`new connections, ${name}`);
    const direct = ['ssh', ...WITHOUT, ...options, DIRECT, 'true'];
    const words = [...direct, '--', 'ssh', ...options, INSPECTED, 'true'];
    const { stdout } = await inStore(lab, { connections: count + 1, kind: 'exec', recorded: 1 }, () =>
      lab.ssh(LOGIN, [`${LOAD}/alternate`, `${count}`, ...words], { timeoutMs: 600_000 }),
    );
    const { first, second } = pairs(stdout, 1e3);
    const detail = `ssh HOST true, ${count} of each in turn, medians; p95 ${quantile(first, 0.95).toFixed(0)} ms direct, ${quantile(second, 0.95).toFixed(0)} ms with Hopline`;
    results.push(
      added(`a new connection, ${name}: median added`, 'ms', median(first), median(second), 25, detail),
    );
  }
  return results;
}

export async function keys({ lab, quick, progress }: Bench): Promise<Result[]> {
  const count = quick ? 1000 : 10_000;
  progress('keystrokes');
  const { stdout } = await inStore(lab, { connections: 1, kind: 'shell', recorded: 1 }, () =>
    lab.ssh(LOGIN, [`${LOAD}/keys`, `${count}`, DIRECT, INSPECTED], { timeoutMs: 600_000 }),
  );
  const { first, second } = pairs(stdout, 1e6);
  const detail = `${count} keys in turn, 4 ms before each, in a recorded shell's terminal, each sent back by a program there`;
  return [
    added('a key there and back: p99 added', 'ms', quantile(first, 0.99), quantile(second, 0.99), 2, detail),
    added('a key there and back: median added', 'ms', median(first), median(second), null, detail),
  ];
}

export async function idle({ lab, quick, progress }: Bench): Promise<Result> {
  const count = quick ? 100 : 500;
  const wait = quick ? 3 : 10;
  progress(`${count} idle shells`);
  const hold = (shells: number) =>
    lab.begin(['ssh', LOGIN, '--', `${LOAD}/shells`, `${shells}`, 'ssh', '-tt', INSPECTED], 600_000);
  const warm = count / 4;
  return inStore(lab, { connections: count + warm, direct: 0, kind: 'shell', recorded: 1 }, async () => {
    const each = await growth(lab, { count, wait: wait * 1000, hold });
    return absolute(
      'an idle shell',
      each,
      'kB',
      400,
      `growth of all processes by ${count} connections with a recorded shell each beside ${warm}, divided by ${count}; ${wait} s after the last`,
    );
  });
}

export async function revoked({ lab, quick, progress }: Bench): Promise<Result> {
  const count = quick ? 5 : 25;
  progress('revocations');
  using client = await lab.client('bastion1');
  const times: number[] = [];
  await inStore(lab, { connections: count, direct: 0, kind: 'exec', recorded: 1 }, async () => {
    for (let n = 0; n < count; n++) {
      const command = `"ssh -q ${INSPECTED} 'echo begun; exec sleep 60'; date +%s%N"`;
      const ends = lab.ssh(LOGIN, ['sh', '-c', command]);
      let hop: string | undefined;
      for (let tries = 0; hop === undefined && tries < 100; tries++) {
        await sleep(100);
        const hops = await client.call('hops', { target: 'bench-ssh', limit: 1 });
        hop = hops.find(({ ended, actions }) => ended === null && actions > 0)?.id;
      }
      if (hop === undefined) throw new Error('no hop to revoke');
      // Begun, and at rest.
      await sleep(300);
      const asked = performance.timeOrigin + performance.now();
      await client.call('revoke', { what: `hop:${hop}`, reason: 'bench' });
      times.push(Number((await ends).stdout.split('\n').at(-2)) / 1e6 - asked);
    }
  });
  const slowest = Math.max(...times);
  const detail = `from the request on the control socket until ssh is over and the shell runs date; the slowest of ${count}, median ${median(times).toFixed(1)} ms`;
  return absolute('revoked to closed', slowest, 'ms', 100, detail);
}
