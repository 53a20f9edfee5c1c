/** A whole ssh login, on a bastion and on a host without Hopline. */
import { added, type Figure } from '../figure.ts';
import { LOAD } from '../lab.ts';
import { median, pairs } from '../numbers.ts';

export const login: Figure = {
  name: 'login',
  what: 'ssh login and true, added to one on a host without Hopline',
  async run({ lab, quick }) {
    const count = quick ? 8 : 60;
    const command = [
      `${LOAD}/alternate`,
      `${count}`,
      'ssh',
      'alice@db1',
      'true',
      '--',
      'ssh',
      'alice@bastion1',
      'true',
    ];
    const { stdout } = await lab.person('alice', command, { timeoutMs: 300_000 });
    const { first, second } = pairs(stdout, 1e3);
    const detail = `${count} of each in turn from the laptop; db1 has the same sshd without the PAM line and outside of the programs' cgroup`;
    return [added('median added', 'ms', median(first), median(second), 80, detail)];
  },
};
