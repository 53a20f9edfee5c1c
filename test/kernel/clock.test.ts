// The wall clock by the time since boot, also where somebody sets it.
import t from 'tap';
import { BootClock } from '../../src/kernel/clock.ts';

const DAY = 86_400_000;

t.test('a clock that is set: what was is told as it was then', async (t) => {
  const real = Date.now;
  t.teardown(() => {
    Date.now = real;
  });
  const clock = new BootClock();
  const before = clock.now();
  const boot = BigInt(before - clock.epochMicros) * 1000n;
  t.ok(Math.abs(before - real() * 1000) < 1_000_000);
  t.equal(clock.wallAt(boot), before);

  await new Promise((resolve) => setTimeout(resolve, 5));
  Date.now = () => real() + 3 * DAY;
  clock.refresh();
  t.equal(clock.wallAt(boot), before);
  t.ok(Math.abs(clock.toMicros(boot) - before - 3 * DAY * 1000) < 1_000_000);
  t.ok(Math.abs(clock.ago(0) - Date.now() * 1000) < 1_000_000);
  t.ok(clock.ago(10_000) < before, 'before it was set');

  Date.now = real;
  clock.refresh();
  t.equal(clock.wallAt(boot), before);
  t.ok(Math.abs(clock.ago(0) - real() * 1000) < 1_000_000);
});
