/** One TCP stream through a worker, beside a direct one. */
import type { Figure, Result } from '../figure.ts';
import { DIRECT, INSPECTED, LOAD } from '../lab.ts';
import { median, pairs } from '../numbers.ts';

export const stream: Figure = {
  name: 'stream',
  what: 'one TCP stream through a worker, as a share of direct',
  async run({ lab, quick, progress }) {
    const bytes = quick ? 256 * 2 ** 20 : 1536 * 2 ** 20;
    const rounds = quick ? 3 : 7;
    const results: Result[] = [];
    for (const way of ['up', 'down'] as const) {
      progress(way === 'up' ? 'client to server' : 'server to client');
      const { stdout } = await lab.ssh(
        'alice@bastion1',
        [`${LOAD}/stream`, `${rounds}`, `${bytes}`, DIRECT, INSPECTED, way],
        { timeoutMs: 300_000 },
      );
      const { first, second } = pairs(stdout, 1e9);
      const gbits = (seconds: number) => (bytes * 8) / seconds / 1e9;
      const direct = gbits(median(first));
      const hopline = gbits(median(second));
      results.push({
        what: way === 'up' ? 'client to server' : 'server to client',
        value: hopline / direct,
        unit: '× direct',
        target: { limit: 0.6, sense: 'at least' },
        direct,
        hopline,
        ratio: hopline / direct,
        detail: `Gbit/s; ${bytes / 2 ** 20} MB, ${rounds} of each in turn, median; sender and receiver in C on the same cores`,
      });
    }
    await lab.checkWays();
    return results;
  },
};
