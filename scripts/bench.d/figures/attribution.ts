/** Is each connection recorded under the login and the chain that really made it? */
import { setTimeout as sleep } from 'node:timers/promises';
import { absolute, type Bench, type Figure } from '../figure.ts';
import { LOAD } from '../lab.ts';
import { expectedHops, judge, type PlannedLogin, plan, recordedHops } from '../truth.ts';

const ACCOUNTS = [
  { user: 'alice', uid: 2001 },
  { user: 'bob', uid: 2002 },
] as const;

export const attribution: Figure = {
  name: 'attribution',
  what: 'wrong in 10,000 logins with nested forks, pids reused',
  async run({ lab, quick, progress }) {
    const total = quick ? 1000 : 10_000;
    const real = quick ? 20 : 200;
    const logins = Array.from({ length: total }, (_, index): PlannedLogin => {
      const account = ACCOUNTS[index % 2] ?? ACCOUNTS[0];
      return { number: index + 256, real: index < real, plan: plan(index), ...account };
    });
    progress(`${real} logins over ssh`);
    await overSsh(
      { lab, quick, progress },
      logins.filter((login) => login.real),
    );
    progress(`${total - real} logins of the stand-in`);
    const input = logins
      .filter((login) => !login.real)
      .map(({ number, uid, plan }) => `${number} ${uid} ${plan}\n`)
      .join('');
    const { stdout, stderr } = await lab.exec('bastion1', [`${LOAD}/sshd`, '-D', '6', '400', LOAD], {
      input,
      timeoutMs: 900_000,
    });
    const [started = 0, good = 0] = stdout.trim().split(' ').map(Number);
    if (good < started)
      progress(
        `${started - good} of ${started} logins had a connection that failed: ${stderr.trim().split('\n')[0]}`,
      );
    await sleep(2000);
    {
      // Whatever it answers, all that was reported before is committed first.
      using client = await lab.client('bastion1');
      await client.call('status', {});
    }
    const hops = await recordedHops(lab);
    const verdict = judge(logins, hops);
    const [reuse] = await lab.query<{ pids: number; processes: number }>(
      'bastion1',
      'SELECT count(DISTINCT pid) pids, count(DISTINCT pid || start_ns) processes FROM processes',
    );
    const expected = logins.reduce((sum, login) => sum + expectedHops(login).length, 0);
    const detail = `${total} logins (${real} over ssh, the others forked by a stand-in that the kernel half takes for sshd), ${hops.length} of ${expected} hops recorded, ${reuse?.processes ?? 0} processes on ${reuse?.pids ?? 0} pids; judged: login, user, process, fork and chain of each hop`;
    return [
      absolute(
        'wrong',
        verdict.wrong,
        'hops',
        0,
        `${detail}${verdict.examples.map((text) => `; ${text}`).join('')}`,
      ),
      absolute('unattributed', verdict.unattributed, 'hops', null, 'recorded as of no known login'),
      absolute(
        'not recorded',
        expected - verdict.seen,
        'hops',
        0,
        `of ${expected} that were made or tried; ${started - good} logins ended in an error of their own`,
      ),
    ];
  },
};

async function overSsh({ lab }: Bench, logins: readonly PlannedLogin[]): Promise<void> {
  const queue = [...logins];
  const one = async () => {
    for (let login = queue.shift(); login; login = queue.shift()) {
      await lab.ssh(`${login.user}@bastion1`, [`${LOAD}/alpha`, `${login.number}`, 's', login.plan]);
    }
  };
  await Promise.all([one(), one(), one()]);
}
