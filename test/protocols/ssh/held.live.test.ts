/** What waits for a person's yes: real clients, a real sshd, the answer in the test's hands. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { WireWriter } from '../../../src/core/ssh-wire.ts';
import { MOST_CHANNELS } from '../../../src/protocols/ssh/connection/table.ts';
import { execDeed } from '../../../src/protocols/ssh/facts.ts';
import { unaskable } from '../../../src/protocols/ssh/held.ts';
import { freePort } from '../../free-port.ts';
import { until } from '../../until.ts';
import { startAgent } from './agent.ts';
import { open, rawClient } from './raw.ts';
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

t.test('what cannot be shown is refused and says why', async (t) => {
  const made = await hop(t, { waits: () => true });
  t.match(await made.ssh([`: ${'x'.repeat(70_000)}`]), {
    code: 126,
    err: /exec needs approval by dba, and cannot be asked for: it is too long to be shown/,
  });
  t.strictSame(made.waiting, []);
  t.match(made.recorded, [{ decision: { outcome: 'deny' }, result: { error: 'denied' } }]);
  t.equal(unaskable(execDeed('root', false, `: ${'x'.repeat(70_000)}`)), 'it is too long to be shown');
  t.equal(unaskable(execDeed('root', false, ': x')), null);
});

const forwards: RigOptions['waits'] = (action) => action === 'forward';

t.test('a connection for the client waits; others of the connection go on', async (t) => {
  const heard: string[] = [];
  const service = createServer((socket) => {
    heard.push('connected');
    socket.end('service\n');
  }).listen(0, '127.0.0.1');
  t.teardown(() => service.close());
  await once(service, 'listening');
  const { port: there } = service.address() as AddressInfo;
  const made = await hop(t, { waits: forwards });
  const to = (port: number) =>
    run('ssh', [...made.options, '-v', '-p', String(made.port), '-W', `127.0.0.1:${port}`, ROOT], '');
  const running = to(there);
  const question = await asked(made);
  await sleep(300);
  t.same(heard, [], 'the host has not heard of it');
  question.answer('approved');
  const ran = await running;
  t.match(ran, { code: 0, out: 'service\n' });
  t.match(
    ran.err,
    /Remote: Hopline: held for approval 17: forward needs approval by dba; hopline approve 17 It waits/,
  );
  const refused = to(there);
  (await asked(made, 2)).answer('denied');
  t.match(await refused, {
    code: 255,
    err: /open failed: administratively prohibited: Hopline: approval 17 was denied by bob: as you say/,
  });
  await until(() => made.ends.length === 2, 'both have ended');
  t.match(made.recorded, [
    { kind: 'forward', decision: { outcome: 'allow' }, result: { bytesDown: 8 } },
    { kind: 'forward', decision: { outcome: 'deny' }, result: { error: 'denied' } },
  ]);

  const given = spawn('ssh', [...made.options, '-p', String(made.port), '-W', `127.0.0.1:${there}`, ROOT], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  await asked(made, 3);
  given.kill();
  await until(() => made.ends.length === 3, 'the end');
  t.match(made.recorded[2], { decision: { outcome: 'deny' }, result: { error: /^withdrawn: / } });
});

t.test('a port to be listened on waits, and what is asked behind it, while a command runs', async (t) => {
  const made = await hop(t, {
    waits: (action, { direction }) => action === 'forward' && direction === 'remote',
  });
  const port = await freePort();
  const free = await freePort();
  const client = run('ssh', [
    ...[
      ...made.options,
      '-o',
      'ServerAliveInterval=1',
      '-o',
      'ServerAliveCountMax=2',
      '-p',
      String(made.port),
    ],
    ...['-R', `${port}:127.0.0.1:${free}`, ROOT],
    'echo begun >&2; sleep 5; echo over',
  ]);
  const question = await asked(made);
  await sleep(3500);
  question.answer('denied');
  t.match(await client, {
    code: 0,
    out: 'over\n',
    err: /Warning: remote port forwarding failed for listen port/,
  });
  t.match(made.recorded, [
    { kind: 'forward', decision: { outcome: 'deny' }, result: { error: 'denied' } },
    { kind: 'exec', result: { exitStatus: 0 } },
  ]);
  const yes = made.ssh(['-o', 'ExitOnForwardFailure=yes', '-R', `${port}:127.0.0.1:${free}`, 'echo in']);
  (await asked(made, 2)).answer('approved');
  t.match(await yes, { code: 0, out: 'in\n' });
});

t.test('an agent waits, and the command behind it', async (t) => {
  const made = await hop(t, { waits: (_, { forwarded }) => forwarded === 'agent' });
  const agent = await startAgent(t);
  const running = run(
    'ssh',
    [
      '-o',
      'IdentityAgent=SSH_AUTH_SOCK',
      ...made.options,
      '-A',
      '-p',
      String(made.port),
      ROOT,
      '[ -n "$SSH_AUTH_SOCK" ] && echo agent=there',
    ],
    null,
    { SSH_AUTH_SOCK: agent },
  );
  const question = await asked(made);
  t.match(made.recorded, [{ kind: 'forward' }], 'the command is not decided yet');
  question.answer('approved');
  t.match(await running, { code: 0, out: 'agent=there\n', err: /held for approval 17/ });
});

t.test('files by sftp: what is held, and what is behind it', async (t) => {
  const made = await hop(t, {
    waits: (_, { operation, path }) => operation === 'write' || String(path).endsWith('held'),
  });
  const directory = t.testdir({ from: 'x'.repeat(300_000), held: 'held\n' });
  const sftp = (...lines: string[]) =>
    run('sftp', ['-b', '-', ...made.options, '-P', String(made.port), ROOT], `${lines.join('\n')}\n`);
  const up = sftp(`put ${directory}/from ${directory}/to`, `get ${directory}/held ${directory}/down`);
  const question = await asked(made);
  await sleep(300);
  t.notOk(existsSync(`${directory}/to`));
  question.answer('approved');
  (await asked(made, 2)).answer('denied');
  t.match(await up, {
    code: 1,
    err: /Hopline: held for approval 17[\s\S]*Hopline: approval 17 was denied by bob/,
  });
  t.equal(readFileSync(`${directory}/to`, 'utf8').length, 300_000);
  await until(() => made.ends.length === 1, 'the end');
  t.match(
    made.recorded.map(({ subject, decision, result }) => [subject, decision.outcome, result]),
    [
      ['sftp', 'allow', {}],
      [`write ${directory}/to`, 'allow', { bytes: 300_000, sha256: String }],
      [`read ${directory}/held`, 'deny', { error: 'denied' }],
    ],
  );
  const given = spawn('sftp', [...made.options, '-P', String(made.port), ROOT], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  given.stdin.write(`put ${directory}/from ${directory}/never\n`);
  const { options } = await asked(made, 3);
  given.kill();
  await until(() => made.ends.length === 2, 'the end');
  t.ok(options.signal.aborted);
  t.match(made.recorded.at(-1), { decision: { outcome: 'deny' }, result: { error: /^withdrawn: / } });
  t.notOk(existsSync(`${directory}/never`));
});

t.test('a channel that waits is none to anybody', async (t) => {
  const made = await hop(t, { waits: forwards });
  const raw = await rawClient(made.port);
  t.teardown(() => raw.socket.destroy());
  const where = new WireWriter().string('127.0.0.1').uint32(9).string('127.0.0.1').uint32(1).bytes();
  for (let n = 0; n < 1200; n += 1) raw.send(open(n, 2 ** 21, 'direct-tcpip', where));
  await until(() => raw.messages.length === 1200 - MOST_CHANNELS, 'those that are too many');
  t.equal(made.waiting.length, MOST_CHANNELS);
  raw.send(open(5, 2 ** 21, 'direct-tcpip', where));
  await until(() => raw.said.length > 0 || raw.messages.length > 1200 - MOST_CHANNELS, 'the end');
  raw.socket.destroy();
  await until(() => made.ends.length === 1, 'the end');
  t.ok(made.recorded.every(({ result }) => /^withdrawn: /.test(String(result?.error))));
});
