/** An intercepted connect, to the first byte back, beside a direct one. */
import { added, type Figure } from '../figure.ts';
import { DIRECT, INSPECTED, LOAD } from '../lab.ts';
import { median, pairs, quantile } from '../numbers.ts';

export const connect: Figure = {
  name: 'connect',
  what: 'intercepted connect and first byte, added to a direct one',
  async run({ lab, quick }) {
    const count = quick ? 300 : 3000;
    await lab.ssh('alice@bastion1', [`${LOAD}/connects`, '200', DIRECT, INSPECTED, '7000']);
    const { stdout } = await lab.ssh('alice@bastion1', [
      `${LOAD}/connects`,
      `${count}`,
      DIRECT,
      INSPECTED,
      '7000',
    ]);
    await lab.checkWays();
    const { first, second } = pairs(stdout, 1e6);
    const detail = `${count} of each in turn, one after the other, from one login to web1; connect, a byte there and back`;
    return [
      added('median added', 'ms', median(first), median(second), 0.5, detail),
      added('p99 added', 'ms', quantile(first, 0.99), quantile(second, 0.99), 3, detail),
    ];
  },
};
