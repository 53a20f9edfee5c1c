// What goes wrong with other hosts: each kind once in a while, the rest as numbers.
import t from 'tap';
import { type Fault, Faults } from '../../src/daemon/faults.ts';

t.test('the same is told once, then as a number; of many different ones some', async (t) => {
  const told: Fault[] = [];
  const faults = new Faults({ tell: (fault) => told.push(fault), now: () => 5 });
  for (let n = 0; n < 3; n++) faults.fault('a host at 10.0.0.1 was refused');
  t.strictSame(told.splice(0), [{ at: 5, detail: 'a host at 10.0.0.1 was refused', count: 1 }]);
  for (let n = 0; n < 1000; n++) faults.fault(`a host at fd00::${n} was refused`);
  t.equal(told.splice(0).length, 15);
  faults.settle();
  t.strictSame(told.splice(0), [
    { at: 5, detail: 'again: a host at 10.0.0.1 was refused', count: 2 },
    { at: 5, detail: 'more of other kinds went wrong with other hosts', count: 985 },
  ]);
  faults.settle();
  t.strictSame(told, []);
  faults.fault('a host at 10.0.0.1 was refused');
  t.equal(told.length, 1, 'and is told again after that');
});
