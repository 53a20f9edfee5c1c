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
    // What Node compiles and keeps on first use is there after the first few hundred, however many follow.
    const few = await hold(count / 4);
    await sleep(idle * 1000);
    const before = memoryOf(lab.daemonPids('bastion1'));
    const many = await hold(count);
    await sleep(idle * 1000);
    const during = memoryOf(lab.daemonPids('bastion1'));
    await Promise.all([few.stop(), many.stop()]);
    const each = (during.once - before.once) / count;
    const first = (before.once - rest.once) / (count / 4);
    return [
      absolute(
        'at rest',
        rest.once / 1024,
        'MB',
        150,
        `${idle} s after the start; ${rest.each.length} processes, shared pages counted once; PSS ${(rest.pss / 1024).toFixed(0)} MB (lower where other Node processes share pages), sum of RSS ${(rest.rss / 1024).toFixed(0)} MB (${kinds}); without the kernel's maps, ${(mapBytes(lab) / 2 ** 20).toFixed(0)} MB`,
      ),
      absolute(
        'a held idle connection',
        each,
        'kB',
        40,
        `growth of all processes by ${count} connections beside ${count / 4} that are held already, divided by ${count}; ${idle} s after the last`,
      ),
      absolute(
        'of the first few hundred, each',
        first,
        'kB',
        null,
        `growth from rest by the ${count / 4} before them, with what Node compiles and keeps on first use`,
      ),
    ];
  },
};
