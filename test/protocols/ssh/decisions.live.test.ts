import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WireWriter } from '../../../src/core/ssh-wire.ts';
import type { ActionName, Facts } from '../../../src/protocols/room.ts';
import { Message } from '../../../src/protocols/ssh/numbers.ts';
import { freePort } from '../../free-port.ts';
import { until } from '../../until.ts';
import { startAgent } from './agent.ts';
import { exec, open, rawClient } from './raw.ts';
import { rig, run, signerOf } from './rig.ts';
import { startSshd } from './sshd.ts';
import { terminal } from './terminal.ts';

const sshd = await startSshd();
t.teardown(() => sshd[Symbol.dispose]());
const ROOT = 'root@127.0.0.1';
const hop = (t: Test, deny: (action: ActionName, facts: Facts) => string | null = () => null) =>
  rig(t, {
    ...{ knownHosts: `[db1]:${sshd.port} ${sshd.hostKey}`, destination: sshd.port, deny },
    held: [{ type: 'key', signer: signerOf(sshd.key) }],
  });

t.test('a command is decided before it runs, and its end is recorded', async (t) => {
  const asked: Facts[] = [];
  const { ssh, recorded, ends } = await hop(t, (_, facts) => {
    asked.push(facts);
    return facts.tool === 'rm' ? 'no-wipes forbids rm on db1 for alice: Ask first.' : null;
  });
  const marker = join(t.testdir({ here: '' }), 'here');
  const denied = await ssh([`/bin/rm ${marker}`]);
  t.match(denied, { code: 126, out: '', err: 'Hopline: no-wipes forbids rm on db1 for alice: Ask first.\n' });
  t.match(await ssh([`ls ${marker}; exit 3`]), { code: 3, out: `${marker}\n` }, 'it did not run');
  await until(() => ends.length === 2, 'both hops have ended');
  t.match(recorded, [
    {
      kind: 'exec',
      subject: `/bin/rm ${marker}`,
      decision: { outcome: 'deny' },
      result: { error: 'denied' },
    },
    {
      kind: 'exec',
      detail: { account: 'root', command: `ls ${marker}; exit 3`, known: false, pty: false },
      result: { exitStatus: 3, bytesDown: marker.length + 1, bytesUp: 0 },
    },
  ]);
  t.match(asked[0], { account: 'root', tool: 'rm', words: ['/bin/rm', marker], known: true });
  t.match(await ssh(['kill -9 $$']), { code: 255 });
  await until(() => recorded[2]?.result, 'its end');
  t.match(recorded[2], { result: { exitSignal: 'KILL' } });
});

t.test('more paths than are decided at once', async (t) => {
  const { ssh, recorded, ends } = await hop(t);
  const paths = Array.from({ length: 300 }, (_, n) => `/none/${n}`).join(' ');
  t.match(await ssh([`scp -f ${paths}`]), {
    code: 126,
    err: /^Hopline: it names 300 paths, and 256 are decided at once: name fewer\n$/,
  });
  await until(() => ends.length === 1, 'its end');
  t.match(recorded, [
    { kind: 'exec', decision: { outcome: 'deny', reason: /300 paths/ }, result: { error: 'denied' } },
  ]);
  t.equal(recorded.length, 1);
});

t.test('what the host does not do leaves the channel for something else, as PuTTY asks', async (t) => {
  const { port, recorded } = await hop(t);
  const raw = await rawClient(port);
  t.teardown(() => raw.socket.destroy());
  raw.send(open(0));
  const recipient = (await raw.next(Message.CHANNEL_OPEN_CONFIRMATION)).readUInt32BE(5);
  const asked = new WireWriter().byte(Message.CHANNEL_REQUEST).uint32(recipient).string('subsystem');
  raw.send(asked.boolean(true).string('nothing').bytes());
  await raw.next(Message.CHANNEL_FAILURE);
  raw.send(exec(recipient, 'echo after all'));
  await raw.next(Message.CHANNEL_SUCCESS);
  t.match((await raw.next(Message.CHANNEL_DATA)).toString(), /after all\n$/);
  raw.send(exec(recipient, 'echo twice'));
  await raw.next(Message.CHANNEL_CLOSE);
  raw.send(new WireWriter().byte(Message.CHANNEL_CLOSE).uint32(recipient).bytes());
  await until(() => recorded.length > 1 && recorded.every(({ result }) => result), 'both ends');
  t.match(recorded, [
    { kind: 'exec', subject: 'nothing', result: { error: 'the host refused' } },
    { kind: 'exec', subject: 'echo after all', result: { exitStatus: 0, error: undefined } },
  ]);
});

t.test('a refusal leaves the connection alive', async (t) => {
  const { options, port, ends } = await hop(t, (_, { tool }) => (tool === 'id' ? 'no' : null));
  const path = `/tmp/hl-c-${process.pid}`;
  const shared = ['-F', 'none', '-o', `ControlPath=${path}`, ...options.slice(2)];
  const master = spawn('ssh', [...shared, '-M', '-N', '-p', String(port), ROOT], { stdio: 'ignore' });
  t.teardown(() => master.kill());
  await until(
    async () => (await run('ssh', [...shared, '-O', 'check', ROOT])).code === 0,
    'the master is there',
  );
  const session = (command: string, input: string | null = null) =>
    run('ssh', [...shared, '-p', String(port), ROOT, command], input);
  const mixed = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      n % 2 === 0 ? session('id', 'x'.repeat(100_000)) : session(`echo ${n}`),
    ),
  );
  t.strictSame(
    mixed.map(({ out, err, code }) => `${out}${code === 126 ? err : ''}${code}`),
    mixed.map((_, n) => (n % 2 === 0 ? 'Hopline: no\n126' : `${n}\n0`)),
  );
  t.equal(ends.length, 0);
});

t.test('a shell', async (t) => {
  const { options, port, recorded } = await hop(t, (action) =>
    action === 'shell' ? 'no shells here' : null,
  );
  const shell = terminal('ssh', [...options, '-p', String(port), ROOT]);
  await shell.expect(/Hopline: no shells here\r\n/);
  t.equal(await shell.exit(), 126);
  t.match(recorded, [{ kind: 'shell', detail: { pty: true }, result: { error: 'denied' } }]);
  const piped = await run('ssh', [...options, '-T', '-p', String(port), ROOT], 'echo in\n');
  t.match(piped, { out: '', err: 'Hopline: no shells here\n', code: 126 });
});

t.test('forwarding', async (t) => {
  const service = createServer((socket) => socket.end('service\n')).listen(0, '127.0.0.1');
  t.teardown(() => service.close());
  await new Promise((resolve) => service.once('listening', resolve));
  const { port: there } = service.address() as { port: number };
  const { options, port, recorded, ssh } = await hop(t, (action, { toPort, forwarded }) =>
    action === 'forward' && (toPort === 1 || toPort === 2 || forwarded === 'agent') ? 'not there' : null,
  );
  const far = ['-p', String(port), ROOT];
  t.match(await run('ssh', [...options, '-W', '127.0.0.1:1', ...far], ''), {
    code: 255,
    err: /open failed: administratively prohibited: Hopline: not there/,
  });
  t.match(await run('ssh', [...options, '-W', `127.0.0.1:${there}`, ...far], ''), { out: 'service\n' });
  await until(() => recorded[1]?.result, 'its end');
  t.match(recorded, [
    { kind: 'forward', subject: 'local tcp 127.0.0.1:1', result: { error: 'denied' } },
    { kind: 'forward', subject: `local tcp 127.0.0.1:${there}`, result: { bytesDown: 8 } },
  ]);
  t.match(await ssh(['-o', 'ExitOnForwardFailure=yes', '-R', '2:127.0.0.1:1', 'true']), {
    code: 255,
    err: /remote port forwarding failed/,
  });
  t.match(await ssh(['-R', `0:127.0.0.1:${await freePort()}`, 'echo allowed']), { out: 'allowed\n' });
  const withAgent = ['-o', 'IdentityAgent=SSH_AUTH_SOCK', ...options, '-A', ...far];
  const agent = await run('ssh', [...withAgent, 'echo "agent=$SSH_AUTH_SOCK"'], null, {
    SSH_AUTH_SOCK: await startAgent(t),
  });
  t.ok(recorded.some(({ subject, result }) => subject === 'remote agent' && result?.error === 'denied'));
  t.match(agent, { out: 'agent=\n', code: 0 }, 'a refused agent leaves the command');
});

t.test('transfers by command and by subsystem', async (t) => {
  const directory = t.testdir({ file: 'content' });
  const file = join(directory, 'file');
  const { options, port, recorded, ends } = await hop(t, (action, { direction, tool }) =>
    action === 'transfer' && (direction === 'upload' || tool === 'sftp') ? 'nothing goes up' : null,
  );
  const scp = (...args: string[]) => run('scp', [...options, '-O', '-P', String(port), ...args]);
  t.match(await scp(file, `${ROOT}:${directory}/up`), { code: 1, err: /Hopline: nothing goes up/ });
  t.match(await scp(`${ROOT}:${file}`, join(directory, 'down')), { code: 0 });
  const batch = join(directory, 'batch');
  writeFileSync(batch, 'ls\n');
  t.match(await run('sftp', [...options, '-b', batch, '-P', String(port), ROOT]), {
    code: 255,
    err: /Hopline: nothing goes up/,
  });
  await until(() => ends.length === 3, 'all have ended');
  t.match(recorded, [
    {
      kind: 'transfer',
      detail: { tool: 'scp', direction: 'upload', path: `${directory}/up` },
      result: { error: 'denied' },
    },
    { kind: 'exec', result: { exitStatus: 0 } },
    { kind: 'transfer', detail: { direction: 'download', path: file }, result: { exitStatus: 0 } },
    { kind: 'transfer', detail: { tool: 'sftp' }, result: { error: 'denied' } },
  ]);
});

t.test('what goes on when the connection ends has an end on record', async (t) => {
  const { options, port, recorded } = await hop(t);
  const child = spawn('ssh', [...options, '-p', String(port), ROOT, 'sleep 100'], { stdio: 'ignore' });
  await until(() => recorded.length === 1, 'it runs');
  child.kill('SIGKILL');
  await until(() => recorded[0]?.result, 'its end');
  t.match(recorded[0], { result: { error: 'the connection ended first' } });
});

t.test('a client that leaves without a CLOSE when the program has ended, as PuTTY does', async (t) => {
  const { port, recorded, ends } = await hop(t);
  const raw = await rawClient(port);
  raw.send(open(0));
  raw.send(exec((await raw.next(Message.CHANNEL_OPEN_CONFIRMATION)).readUInt32BE(5), 'echo said; exit 3'));
  // EOF and exit-status come in either order.
  await raw.next(Message.CHANNEL_EOF);
  await raw.next(Message.CHANNEL_REQUEST);
  raw.socket.resetAndDestroy();
  await until(() => ends.length === 1, 'the end of the hop');
  t.match(recorded[0], { result: { exitStatus: 3, bytesDown: 5, error: undefined } });
  t.match(ends, [{ reason: null }], 'which was not broken off');
  const other = await rawClient(port);
  other.send(open(0));
  other.send(exec((await other.next(Message.CHANNEL_OPEN_CONFIRMATION)).readUInt32BE(5), 'sleep 100'));
  await until(() => recorded.length === 2, 'it runs');
  other.socket.resetAndDestroy();
  await until(() => ends.length === 2, 'the end of the other');
  t.match(recorded[1], { result: { error: 'the connection ended first' } });
  t.match(ends[1], { reason: 'reset by the client (ECONNRESET)' });
});
