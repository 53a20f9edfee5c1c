/** What a start takes up of the run before. */
import t from 'tap';
import { chainOf } from '../../src/attribution/chain.ts';
import { recover } from '../../src/attribution/recover.ts';
import { idFromBigInt } from '../../src/core/ids.ts';
import type { Process } from '../../src/core/types.ts';
import { key, PID, ROOT } from './events.ts';
import { Host } from './host.ts';
import { FakeKernel } from './kernel.ts';

t.test('the chain of what lives on has those in it that have exited', async (t) => {
  const row = (id: number, argv: string[], parent: number | null): Process => ({
    ...{
      id,
      login: idFromBigInt(ROOT),
      parent,
      pid: PID + id,
      ppid: 1,
      startNs: String(key(id).startNs),
      image: 1,
    },
    ...{ exe: `/usr/bin/${argv[0]}`, exeVerified: true, argv, argvBytes: 9, uid: 2001, started: id },
    ...{ exited: null, exitCode: null, signal: null, recovered: false },
  });
  const rows = [
    row(1, ['bash'], null),
    row(2, ['claude'], 1),
    row(3, ['sleep'], 2),
    row(4, ['python3', 'a.py'], 3),
  ];
  const host = new Host();
  host.recorded = (pid) => rows.filter(({ id }) => id <= pid - PID).reverse();
  recover({
    ...{ maps: new FakeKernel().maps, tasks: () => [], attribution: host.at, self: 1, continued: true },
    known: { logins: [], processes: rows.slice(2) },
    spawners: new Map(),
    drain: () => {},
    now: () => 1,
    toMicros: (ns) => Number(ns / 1000n),
  });
  t.same(chainOf(host.at.images.byPid(PID + 4)), ['bash', 'claude', 'sleep', 'python3 a.py']);
});
