/** A process of the supervisor's that is ended, breaks, or was never there. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { KeptProcess } from '../../src/core/kept-process.ts';
import { until } from '../until.ts';

/** Says its pid and what it is sent, and ends when it is told to. */
const SCRIPT = `process.on('message', (message) => {
  if (message.end !== undefined) process.exit(message.end);
  process.send({ heard: message });
});
process.send({ pid: process.pid });
`;

function kept(t: Test, entry = 'kept.js') {
  const messages: unknown[] = [];
  const ended: string[] = [];
  /** When, in milliseconds. */
  const times: { readonly starts: number[]; readonly ends: number[] } = { starts: [], ends: [] };
  let started = 0;
  const room = new KeptProcess({
    ...{ entry: join(t.testdir({ 'kept.js': SCRIPT }), entry), args: [], account: null, fds: [] },
    onStarted: () => {
      started += 1;
      times.starts.push(performance.now());
      room.send({ first: started });
    },
    onMessage: (value) => messages.push(value),
    onEnded: (how) => {
      times.ends.push(performance.now());
      ended.push(how);
    },
  });
  t.teardown(() => room.stop());
  return { room, messages, ended, times, started: () => started };
}

const heard = (messages: readonly unknown[], first: number) =>
  messages.some((message) => JSON.stringify(message) === JSON.stringify({ heard: { first } }));

t.test('started again when it ends, and told again what it is to know', async (t) => {
  const { room, messages, ended } = kept(t);
  t.equal(room.start(), true);
  t.equal(room.start(), false, 'it runs');
  await until(() => heard(messages, 1), 'it hears');
  const before = room.pid;
  room.send({ end: 3 });
  await until(() => heard(messages, 2), 'another hears');
  t.strictSame(ended, ['exit code 3']);
  t.not(room.pid, before);
  room.kill();
  await until(() => ended.length === 2, 'it is killed');
  t.equal(ended[1], 'SIGKILL');
  t.equal(room.pid, null);
  t.equal(room.start(), false, 'it is about to');
});

t.test('stopped it stays so, also between two starts, and can be started', async (t) => {
  const { room, messages, ended, started } = kept(t);
  room.start();
  await until(() => heard(messages, 1), 'it hears');
  await room.stop();
  t.equal(room.pid, null);
  room.start();
  await until(() => heard(messages, 2), 'it hears again');
  room.kill();
  await until(() => ended.length === 1, 'it has ended');
  await room.stop();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  t.equal(started(), 2);
  t.strictSame(ended, ['SIGKILL'], 'of what was stopped nothing is told');
});

t.test('one that does not come up is waited for longer each time', async (t) => {
  const { room, ended, times } = kept(t, 'absent.js');
  room.start();
  await until(() => times.starts.length === 3, 'it was tried a third time');
  const [first = 0, second = 0] = times.ends.map((end, n) => (times.starts[n + 1] ?? 0) - end);
  t.ok(first > 450 && second > 900, `after ${first.toFixed()} ms, and ${second.toFixed()} ms`);
  t.match(ended, ['exit code 1', 'exit code 1']);
});
