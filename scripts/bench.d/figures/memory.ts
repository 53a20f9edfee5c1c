/** Memory of all of Hopline's processes: at rest, and for each idle connection that is held. */
import { setTimeout as sleep } from 'node:timers/promises';
import { absolute, type Figure } from '../figure.ts';
import { INSPECTED, LOAD } from '../lab.ts';
import { memoryOf } from '../memory.ts';
import { mapBytes } from '../programs.ts';

export const memory: Figure = {
  name: 'memory',
  what: 'memory of all processes at rest, and of a held idle connection',
  async run({ lab, quick, progress }) {
    const idle = quick ? 3 : 10;
    const count = quick ? 500 : 2000;
    await lab.daemon('bastion1', 'restart');
    await sleep(idle * 1000);
    const rest = memoryOf(lab.daemonPids('bastion1'));
    const kinds = rest.each.map(({ name, rss }) => `${name} ${(rss / 1024).toFixed(0)}`).join(', ');

    progress(`${count} held connections`);
    const hold = (connections: number) =>
      lab.begin(['ssh', 'alice@bastion1', '--', `${LOAD}/hold`, `${connections}`, INSPECTED, '7001']);
    await (await hold(count)).stop();
    await sleep(idle * 1000);
    const before = memoryOf(lab.daemonPids('bastion1'));
    const held = await hold(count);
    await sleep(idle * 1000);
    const during = memoryOf(lab.daemonPids('bastion1'));
    await held.stop();
    const each = (during.once - before.once) / count;
    const first = (during.once - rest.once) / count;
    return [
      absolute(
        'at rest',
        rest.once / 1024,
        'MB',
        150,
        `${idle} s after the start; ${rest.each.length} processes, shared pages counted once; PSS ${(rest.pss / 1024).toFixed(0)} MB (lower where other Node processes share pages), sum of RSS ${(rest.rss / 1024).toFixed(0)} MB (${kinds}); without the kernel's maps, ${(mapBytes(lab) / 2 ** 20).toFixed(0)} MB`,
      ),
      absolute(
        'a held idle connection, at first',
        first,
        'kB',
        40,
        `growth of all processes from rest by ${count} connections, divided by ${count}; with what Node compiles and keeps on first use`,
      ),
      absolute(
        'a held idle connection, again',
        each,
        'kB',
        null,
        `the same ${count} for the second time, from after the first were closed`,
      ),
    ];
  },
};
