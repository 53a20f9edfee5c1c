/** `tree` of a login with many processes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ControlClient } from '../../../src/api/client.ts';
import { absolute, added, type Figure } from '../figure.ts';
import { APP, type Lab, LOAD } from '../lab.ts';
import { median, pairs } from '../numbers.ts';

export const tree: Figure = {
  name: 'tree',
  what: 'tree of a login with 10,000 processes',
  async run({ lab, quick, progress }) {
    const count = 10_000;
    const marker = `tree-${process.pid}`;
    progress(`${count} processes in one login`);
    await lab.ssh('alice@bastion1', [`${LOAD}/spawn`, '2000', `${count}`, `${LOAD}/nothing`, marker]);
    await sleep(500);
    using client = await lab.client('bastion1');
    const id = await newest(lab, marker);
    const times: number[] = [];
    let size = 0;
    for (let round = 0; round < (quick ? 5 : 25); round++) {
      const { took, processes } = await once(client, id);
      if (round >= 2) times.push(took);
      size = processes;
    }
    if (size < count) throw new Error(`the tree has ${size} processes, ${count} were executed`);
    const rounds = quick ? 3 : 15;
    const hopline = ['node', '--disable-warning=ExperimentalWarning', `${APP}/src/hopline.js`];
    const command = [
      `${LOAD}/alternate`,
      `${rounds}`,
      ...hopline,
      '--version',
      '--',
      ...hopline,
      'tree',
      id,
      '--json',
    ];
    const { first, second } = pairs((await lab.exec('bastion1', command)).stdout, 1e3);
    return [
      absolute(
        'answer on the control socket',
        median(times),
        'ms',
        100,
        `${size} processes, ${times.length} times, median; request to last byte, read and parsed`,
      ),
      added(
        'hopline tree LOGIN --json, beyond --version',
        'ms',
        median(first),
        median(second),
        null,
        `${rounds} times, median; direct is what starting the command costs by itself`,
      ),
      absolute(
        'hopline tree LOGIN --json, whole command',
        median(second),
        'ms',
        100,
        `${rounds} times, median, output to /dev/null`,
      ),
    ];
  },
};

async function once(client: ControlClient, login: string): Promise<{ took: number; processes: number }> {
  const start = performance.now();
  const forest = await client.call('tree', { login });
  const took = performance.now() - start;
  return { took, processes: forest.logins[0]?.processes.length ?? 0 };
}

async function newest(lab: Lab, marker: string): Promise<string> {
  const [row] = await lab.query<{ login: string }>(
    'bastion1',
    'SELECT login FROM processes WHERE argv LIKE ? ORDER BY id DESC LIMIT 1',
    `%${marker}%`,
  );
  if (!row) throw new Error('no process of the login is in the store');
  return row.login;
}
