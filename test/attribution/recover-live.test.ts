/** Processes that were there before the programs, and go on forking while the kernel is told about them. */
import t from 'tap';
import { recover } from '../../src/attribution/recover.ts';
import { BootClock } from '../../src/kernel/clock.ts';
import * as abi from '../../src/kernel/layouts.generated.ts';
import { Machine, missing } from '../kernel/machine.ts';
import { until } from '../until.ts';
import { Host } from './host.ts';

const reason = missing();
const FORKS =
  'n=0; while [ $n -lt 400 ]; do n=$((n+1)); /bin/true & [ $((n % 20)) -eq 0 ] && wait; done; wait; echo done; read end';

t.test('each root has as many processes as the kernel counts', reason ? { skip: reason } : {}, async (t) => {
  const machine = new Machine();
  t.teardown(() => machine.remove());
  const { maps } = machine.kernel;
  const config = maps.config.get(0) as abi.HlConfig;
  maps.config.set(0, { ...config, flags: config.flags & ~abi.HlConfigFlag.C_SEEDED });
  const inside = await Promise.all([machine.run(FORKS), machine.run(FORKS), machine.run('read end')]);
  const done = [inside[0]?.answer(), inside[1]?.answer()];
  machine.kernel.attach('trace');
  const host = new Host();
  const clock = new BootClock();
  const { seeded } = recover({
    ...{
      maps,
      attribution: host.at,
      known: { logins: [], processes: [] },
      self: process.pid,
      continued: false,
    },
    tasks: () => machine.kernel.tasks(),
    spawners: new Map(),
    drain: () => {},
    now: () => clock.now(),
    toMicros: (ns) => clock.toMicros(ns),
  });
  t.ok(seeded >= 3, `${seeded} processes were told about`);
  await Promise.all(done);
  const lineages = () => maps.lineage.keys().map((key) => maps.lineage.get(key)?.root);
  await until(() => lineages().length === 3, 'the rest has gone').catch(() => {});
  const lines = lineages();
  t.equal(lines.length, 3, 'the three that wait for their end');
  for (const id of maps.roots.keys())
    t.equal(maps.roots.get(id)?.live, lines.filter((root) => root === id).length, `root ${id}`);
  machine.events();
  for (const each of inside) each?.end();
  await Promise.all(inside.map((each) => each?.ended));
  await until(() => maps.roots.keys().length === 0, 'no root').catch(() => {});
  t.same(maps.roots.keys(), [], 'and each of them ends');
  t.ok(machine.events().some(({ type }) => type === 'root-end'));
});
