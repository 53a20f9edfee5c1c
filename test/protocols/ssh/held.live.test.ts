/** Commands and shells that wait for a person's yes: real clients, a real sshd, the answer in the test's hands. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { execDeed } from '../../../src/protocols/ssh/facts.ts';
import { unaskable } from '../../../src/protocols/ssh/held.ts';
import { until } from '../../until.ts';
import { type Rig, type RigOptions, rig, run, signerOf, type Waiting } from './rig.ts';
import { startSshd } from './sshd.ts';
import { terminal } from './terminal.ts';

const sshd = await startSshd();
t.teardown(() => sshd[Symbol.dispose]());
const ROOT = 'root@127.0.0.1';
const hop = (t: Test, more: Partial<RigOptions>) =>
  rig(t, {
    ...{ knownHosts: `[db1]:${sshd.port} ${sshd.hostKey}`, destination: sshd.port },
    held: [{ type: 'key', signer: signerOf(sshd.key) }],
    ...more,
  });
const commands: RigOptions['waits'] = (action) => action === 'exec';
const asked = (made: Rig, count = 1): Promise<Waiting> =>
  until(() => made.waiting[count - 1], `question ${count}`);

t.test('a yes: it runs, with what was sent to it meanwhile', async (t) => {
  const made = await hop(t, { waits: commands });
  const marker = join(t.testdir(), 'marker');
  const running = made.ssh([`touch ${marker}; cat; exit 4`], 'sent early\n');
  const question = await asked(made);
  t.match(made.recorded, [{ kind: 'exec', decision: { outcome: 'approve' }, result: null }]);
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.notOk(existsSync(marker), 'the host has not heard of it');
  question.answer('approved');
  t.match(await running, {
    ...{ code: 4, out: 'sent early\n' },
    err:
      'Hopline: held for approval 17: exec needs approval by dba; hopline approve 17\n' +
      'It waits 15 min for a member of dba to answer. To end this ssh withdraws it.\n',
  });
  await until(() => made.ends.length === 1, 'its end');
  t.match(made.recorded, [
    {
      decision: { outcome: 'allow', reason: /approval 17 was given by bob: as you say/ },
      result: { exitStatus: 4, bytesUp: 11 },
    },
  ]);
});

t.test('a no is a refusal like any', async (t) => {
  const made = await hop(t, { waits: commands });
  const marker = join(t.testdir(), 'marker');
  const running = made.ssh([`touch ${marker}`]);
  (await asked(made)).answer('denied');
  t.match(await running, {
    code: 126,
    err: /Hopline: approval 17 was denied by bob: as you say \(exec needs approval by dba\)\n$/,
  });
  t.notOk(existsSync(marker));
  t.match(made.recorded, [{ decision: { outcome: 'deny' }, result: { error: 'denied' } }]);
});

t.test('policies that forbid it by now have the last word', async (t) => {
  let closed = false;
  const made = await hop(t, { waits: commands, deny: () => (closed ? 'closed for the night' : null) });
  const running = made.ssh(['true']);
  const question = await asked(made);
  closed = true;
  question.answer('approved');
  t.match(await running, { code: 126, err: /Hopline: closed for the night/ });
});

t.test('who goes away withdraws it, and that is on record before the hop ends', async (t) => {
  const made = await hop(t, { waits: commands });
  const marker = join(t.testdir(), 'marker');
  const client = spawn('ssh', [...made.options, '-p', String(made.port), ROOT, `touch ${marker}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { options } = await asked(made);
  client.kill();
  const [end] = await until(() => (made.ends.length > 0 ? made.ends : null), 'the end of the hop');
  t.ok(options.signal.aborted);
  t.match(end, { reason: null });
  t.match(made.recorded, [{ decision: { outcome: 'deny' }, result: { error: /^withdrawn: / } }]);
  t.notOk(existsSync(marker));
});

t.test('a host that goes away, too', async (t) => {
  const made = await hop(t, { waits: commands });
  const running = made.ssh(['true']);
  await asked(made);
  for (const socket of made.upstreams) socket.destroy();
  t.match(await running, { code: 255 });
  await until(() => made.ends.length === 1, 'the end of the hop');
  t.match(made.recorded, [{ result: { error: /^withdrawn: / } }]);
});

t.test('other sessions of the connection go on, and one that is given up leaves them alone', async (t) => {
  const made = await hop(t, { waits: (_, { tool }) => tool === 'touch' });
  const path = `/tmp/hl-h-${process.pid}`;
  const shared = ['-F', 'none', '-o', `ControlPath=${path}`, ...made.options.slice(2)];
  const master = spawn('ssh', [...shared, '-M', '-N', '-p', String(made.port), ROOT], { stdio: 'ignore' });
  t.teardown(() => master.kill());
  await until(
    async () => (await run('ssh', [...shared, '-O', 'check', ROOT])).code === 0,
    'the master is there',
  );
  const session = (command: string) => [...shared, '-p', String(made.port), ROOT, command];
  const marker = join(t.testdir(), 'marker');
  const waiting = run('ssh', session(`touch ${marker}`));
  await asked(made);
  t.match(await run('ssh', session('echo other')), { code: 0, out: 'other\n' });
  const given = spawn('ssh', session(`touch ${marker}-not`), { stdio: 'ignore' });
  const { options } = await asked(made, 2);
  given.kill();
  await until(() => options.signal.aborted, 'it is withdrawn');
  await until(() => made.recorded[2]?.result, 'and on record');
  t.match(made.recorded[2], { result: { error: 'withdrawn: the client closed the channel' } });
  t.match(await run('ssh', session('echo after')), { code: 0, out: 'after\n' });
  (await asked(made)).answer('approved');
  t.match(await waiting, { code: 0 });
  t.ok(existsSync(marker));
  t.notOk(existsSync(`${marker}-not`));
  t.equal(made.ends.length, 0, 'all in one connection');
});

t.test('a shell on a terminal waits, and is one afterwards', async (t) => {
  const made = await hop(t, { waits: (action) => action === 'shell' });
  const screen = terminal('ssh', [...made.options, '-p', String(made.port), '-tt', ROOT]);
  await screen.expect(
    /held for approval 17: shell needs approval by dba; hopline approve 17\r\nIt waits 15 min/,
  );
  screen.resize(120, 40);
  (await asked(made)).answer('approved');
  await screen.expect(/[#$] $/);
  screen.type('stty size; exit 5\r');
  await screen.expect(/40 120/);
  t.equal(await screen.exit(), 5);
});

t.test('what is moved by a command that waits waits with it', async (t) => {
  const made = await hop(t, { waits: commands });
  const directory = t.testdir({ from: 'what is moved\n' });
  const to = join(directory, 'to');
  const scp = run('scp', [
    ...['-O', ...made.options, '-P', String(made.port)],
    ...[join(directory, 'from'), `${ROOT}:${to}`],
  ]);
  (await asked(made)).answer('approved');
  t.match(await scp, { code: 0 });
  t.equal(readFileSync(to, 'utf8'), 'what is moved\n');
  t.match(made.recorded, [
    { kind: 'exec', decision: { outcome: 'allow' } },
    { kind: 'transfer', decision: { outcome: 'allow' } },
  ]);
});

t.test('what cannot wait, and what cannot be shown, is refused and says why', async (t) => {
  const made = await hop(t, { waits: () => true });
  const forward = await made.ssh(['-W', '127.0.0.1:1']);
  t.match(forward.err, /forward needs approval by dba, and cannot be asked for: only shells and commands/);
  t.strictSame(made.waiting, []);
  t.match(made.recorded, [{ decision: { outcome: 'deny' }, result: { error: 'denied' } }]);
  t.equal(unaskable(execDeed('root', false, `: ${'x'.repeat(70_000)}`)), 'it is too long to be shown');
  t.equal(unaskable(execDeed('root', false, ': x')), null);
});
