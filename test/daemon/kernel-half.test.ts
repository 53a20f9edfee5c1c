import t from 'tap';
import { loadConfig } from '../../src/config/load.ts';
import { configure, reconfigure } from '../../src/daemon/kernel-half.ts';
import type { BootClock } from '../../src/kernel/clock.ts';
import { type HlConfig, HlConfigFlag } from '../../src/kernel/layouts.generated.ts';
import type { Kernel } from '../../src/kernel/load.ts';

const { C_READY, C_SEEDED, C_OBSERVE } = HlConfigFlag;

function kernel(continued: boolean, flags: number | null): { kernel: Kernel; flags(): number } {
  let config = flags === null ? null : ({ flags, table: 7, epochUs: 1n } as HlConfig);
  const maps = {
    config: { get: () => config, set: (_: number, value: HlConfig) => (config = value) },
    spawners: { keys: () => [], set() {}, delete() {} },
  };
  return {
    kernel: { maps, continued, build: 2n } as unknown as Kernel,
    flags: () => (config?.flags ?? 0) & (C_READY | C_SEEDED),
  };
}

const clock = { epochMicros: 1 } as BootClock;
const config = loadConfig(t.testdir({ 'hopline.yaml': 'mode: observe\nscope: /\n' }));

t.test('at a first start nothing is decided before all is there', async (t) => {
  const { kernel: fresh, flags } = kernel(false, null);
  configure(fresh, config, [], clock);
  t.equal(flags(), 0);
  reconfigure(fresh, config, true);
  t.equal(flags(), C_READY | C_SEEDED);
  t.equal(fresh.maps.config.get(0)?.flags, C_READY | C_SEEDED | C_OBSERVE);
});

t.test('programs of another build go on deciding until this one’s take their place', async (t) => {
  const { kernel: replaced, flags } = kernel(false, C_READY | C_SEEDED);
  configure(replaced, config, [], clock);
  t.equal(flags(), C_READY, 'a process they did not see born is not taken for one from nowhere meanwhile');
  t.equal(replaced.maps.config.get(0)?.table, 7);
});

t.test('programs of this build go on with all they know', async (t) => {
  const { kernel: continued, flags } = kernel(true, C_READY | C_SEEDED);
  configure(continued, config, [], clock);
  t.equal(flags(), C_READY | C_SEEDED);
});
