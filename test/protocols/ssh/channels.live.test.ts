import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { freePort } from '../../free-port.ts';
import { until } from '../../until.ts';
import { type Rig, rig, run } from './rig.ts';
import { startSshd } from './sshd.ts';
import { terminal } from './terminal.ts';

const sshd = await startSshd(['ClientAliveInterval 1', 'PermitTunnel yes']);
t.teardown(() => sshd[Symbol.dispose]());
const hop = (t: Test): Promise<Rig> =>
  rig(t, { knownHosts: `[db1]:${sshd.port} ${sshd.hostKey}`, destination: sshd.port, keys: [sshd.key] });
const ROOT = 'root@127.0.0.1';
const digest = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

/** A directory for sockets, whose paths have 107 characters at most. */
function short(t: Test): string {
  const directory = mkdtempSync('/tmp/hl-');
  t.teardown(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** A program that answers each connection with a line and what it was sent. */
async function echo(t: Test, greeting: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write(`${greeting}\n`);
    socket.pipe(socket);
  }).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function ask(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let got = '';
  socket.on('data', (chunk) => {
    got += chunk;
  });
  socket.on('error', () => {});
  socket.end(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return got;
}

t.test('streams and their ends, in both directions', async (t) => {
  const { ssh } = await hop(t);
  const input = randomBytes(3_000_000).toString('base64');
  t.equal(digest((await ssh(['cat'], input)).out), digest(input));
  t.match(await ssh(['cat; echo ended']), { out: 'ended\n', code: 0 }, 'no input at all');
  t.match(await ssh(['wc -c; echo more >&2; exit 3'], input), {
    out: `${input.length}\n`,
    err: 'more\n',
    code: 3,
  });
  const [out, err] = ['o'.repeat(500_000), 'e'.repeat(500_000)];
  const both = await ssh([
    'head -c 500000 /dev/zero | tr "\\0" e >&2 & head -c 500000 /dev/zero | tr "\\0" o; wait',
  ]);
  t.ok(both.out === out && both.err === err, 'both streams whole');
  t.match(
    await ssh(['exec 1>&-; sleep 0.2; echo after >&2']),
    { err: 'after\n', code: 0 },
    'one stream ends before the other',
  );
  t.match(await ssh(['exit 0'], input), { code: 0 }, 'a program that reads nothing');
});

t.test('how programs end', async (t) => {
  const { ssh } = await hop(t);
  for (const code of [0, 1, 42, 254]) t.match(await ssh([`exit ${code}`]), { code });
  t.match(await ssh(['kill -9 $$']), { code: 255 }, 'by a signal');
  t.match(await ssh(['/no/such/program']), { code: 127 });
});

t.test('environment, a command on a terminal, and none at all', async (t) => {
  const { ssh, options, port, ends, clients } = await hop(t);
  t.match(await ssh(['-o', 'SetEnv=HOPLINE_TEST=there', 'echo "$HOPLINE_TEST"']), { out: 'there\n' });
  t.match(await ssh(['tty']), { out: 'not a tty\n' });
  t.match(await ssh(['-tt', 'tty; stty size']), { out: /^\/dev\/pts\/\d+\r\n/ });
  await until(() => ends.length === 3 && clients.size === 0, 'those have ended');
  const nothing = spawn('ssh', [...options, '-N', '-p', String(port), ROOT], { stdio: 'ignore' });
  await until(() => clients.size === 1, 'it is there');
  await sleep(500);
  t.equal(nothing.exitCode, null, '-N stays');
  nothing.kill();
  await until(() => ends.length === 4, 'all of them have ended');
});

t.test('a shell: window changes, signals, job control', async (t) => {
  const { options, port } = await hop(t);
  const shell = terminal('ssh', [...options, '-p', String(port), ROOT]);
  shell.type("PS1='ready''> '; stty size\r");
  await shell.expect(/30 100/);
  await shell.expect(/ready> /);
  shell.resize(77, 22);
  shell.type('until [ "$(stty size)" = "22 77" ]; do sleep 0.1; done; stty size\r');
  await shell.expect(/22 77/);
  shell.type('sleep 100\r');
  await sleep(300);
  shell.type('\u0003');
  await shell.expect(/\^C[\s\S]*ready> /);
  shell.type('echo $TERM; exit 5\r');
  await shell.expect(/xterm-256color/);
  t.equal(await shell.exit(), 5);
});

t.test('files: sftp, scp by both protocols, rsync', async (t) => {
  const { options, port } = await hop(t);
  const directory = t.testdir({ 'small file': 'small', tree: { a: 'a', deep: { b: 'b' } } });
  const big = randomBytes(5_000_000);
  writeFileSync(join(directory, 'big'), big);
  const far = join(directory, 'far');
  mkdirSync(far);
  const port0 = String(port);
  for (const protocol of [['-s'], ['-O']]) {
    const target = join(far, `scp${protocol[0]}`);
    mkdirSync(target);
    const up = await run('scp', [
      ...options,
      ...protocol,
      '-q',
      '-r',
      '-P',
      port0,
      join(directory, 'big'),
      join(directory, 'tree'),
      `${ROOT}:${target}`,
    ]);
    t.match(up, { code: 0, err: '' });
    t.ok(readFileSync(join(target, 'big')).equals(big), `scp ${protocol} up`);
    t.equal(readFileSync(join(target, 'tree/deep/b'), 'utf8'), 'b');
    const back = join(directory, `back${protocol[0]}`);
    t.match(await run('scp', [...options, ...protocol, '-q', '-P', port0, `${ROOT}:${target}/big`, back]), {
      code: 0,
    });
    t.ok(readFileSync(back).equals(big), `scp ${protocol} down`);
    const missing = await run('scp', [...options, ...protocol, '-P', port0, `${ROOT}:${target}/none`, back]);
    t.match(missing, { code: 1, err: /No such file/ });
  }
  const batch = join(directory, 'batch');
  writeFileSync(
    batch,
    `put ${join(directory, 'big')} ${far}/put\nrename ${far}/put ${far}/renamed\nls -l ${far}\nget ${far}/renamed ${directory}/got\nrm ${far}/renamed\n`,
  );
  const sftp = await run('sftp', [...options, '-b', batch, '-P', port0, ROOT]);
  t.match(sftp, { code: 0, out: /renamed/ });
  t.ok(readFileSync(join(directory, 'got')).equals(big), 'sftp');
  const shell = ['ssh', ...options, '-p', port0].join(' ');
  t.match(await run('rsync', ['-a', '-e', shell, `${directory}/tree/`, `${ROOT}:${far}/synced/`]), {
    code: 0,
    err: '',
  });
  t.equal(readFileSync(join(far, 'synced/deep/b'), 'utf8'), 'b');
  t.match(await run('rsync', ['-a', '-e', shell, `${ROOT}:${far}/synced/`, `${directory}/again/`]), {
    code: 0,
  });
  t.equal(readFileSync(join(directory, 'again/deep/b'), 'utf8'), 'b');
});

t.test('git', async (t) => {
  const { options, port } = await hop(t);
  const directory = t.testdir();
  const env = {
    GIT_SSH_COMMAND: ['ssh', ...options].join(' '),
    ...{ GIT_AUTHOR_NAME: 'x', GIT_AUTHOR_EMAIL: 'x@x', GIT_COMMITTER_NAME: 'x', GIT_COMMITTER_EMAIL: 'x@x' },
    ...{ GIT_CONFIG_GLOBAL: '/dev/null' },
  };
  const git = (...args: string[]) => run('git', args, null, env);
  const bare = join(directory, 'bare.git');
  t.match(await git('init', '-q', '--bare', bare), { code: 0 });
  const url = `ssh://${ROOT}:${port}${bare}`;
  const one = join(directory, 'one');
  t.match(await git('clone', '-q', url, one), { code: 0 });
  writeFileSync(join(one, 'file'), randomBytes(200_000));
  t.match(await git('-C', one, 'add', 'file'), { code: 0 });
  t.match(await git('-C', one, 'commit', '-qm', 'first'), { code: 0 });
  t.match(await git('-C', one, 'push', '-q', 'origin', 'HEAD'), { code: 0 });
  t.match(await git('clone', '-q', url, join(directory, 'two')), { code: 0 });
  t.ok(readFileSync(join(directory, 'two/file')).equals(readFileSync(join(one, 'file'))));
});

t.test('the agent goes along', async (t) => {
  const { options, port } = await hop(t);
  const socket = join(short(t), 'agent');
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  t.teardown(() => agent.kill());
  const env = { SSH_AUTH_SOCK: socket };
  await until(
    async () => (await run('ssh-add', ['-q', sshd.key], null, env)).code === 0,
    'the agent has a key',
  );
  const print = (await run('ssh-keygen', ['-lf', `${sshd.key}.pub`])).out.split(' ')[1] ?? '?';
  const listed = await run(
    'ssh',
    [
      '-o',
      `IdentityAgent=${socket}`,
      ...options,
      '-A',
      '-p',
      String(port),
      ROOT,
      'ssh-add -l; ssh-add -L | head -c 7',
    ],
    null,
    env,
  );
  t.match(listed, { code: 0 });
  t.match(listed.out, print);
  const without = await run('ssh', [...options, '-p', String(port), ROOT, 'ssh-add -l'], null, env);
  t.match(without, { code: 2 });
});

t.test('forwarding: -L, -R, -D, -W, unix sockets', async (t) => {
  const { options, port } = await hop(t);
  const service = await echo(t, 'service');
  const far = ['-p', String(port), ROOT];
  const forwarding = async (t: Test, ...args: string[]) => {
    const child = spawn('ssh', [...options, '-o', 'ExitOnForwardFailure=yes', '-N', ...args, ...far], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    t.teardown(() => child.kill());
    return child;
  };
  const local = await freePort();
  await forwarding(t, '-L', `${local}:127.0.0.1:${service}`);
  const got = (port: number) =>
    until(async () => (await ask(port, 'hello')).includes('service') || null, 'the forwarding works');
  await got(local);
  t.equal(await ask(local, 'x'.repeat(1_000_000)), `service\n${'x'.repeat(1_000_000)}`, '-L');
  t.strictSame(
    await Promise.all(Array.from({ length: 20 }, (_, n) => ask(local, `c${n}`))),
    Array.from({ length: 20 }, (_, n) => `service\nc${n}`),
  );
  const remote = await freePort();
  await forwarding(t, '-R', `${remote}:127.0.0.1:${service}`);
  await got(remote);
  t.equal(await ask(remote, 'hello'), 'service\nhello', '-R');
  const chosen = await forwarding(t, '-R', `0:127.0.0.1:${service}`);
  const [said] = (await once(chosen.stderr as NodeJS.ReadableStream, 'data')) as [Buffer];
  const dynamic = Number(/Allocated port (\d+)/.exec(said.toString())?.[1]);
  await got(dynamic);
  const socks = await freePort();
  await forwarding(t, '-D', String(socks));
  await until(async () => (await ask(socks, '')) !== null, 'it listens');
  const curl = await until(async () => {
    const ran = await run(
      'curl',
      ['-sm', '5', '--socks5', `127.0.0.1:${socks}`, `telnet://127.0.0.1:${service}`],
      'via socks',
    );
    return ran.out.includes('service') ? ran : null;
  }, '-D');
  t.match(curl.out, /service/);
  const w = await run('ssh', [...options, '-W', `127.0.0.1:${service}`, ...far], 'through -W');
  t.match(w, { out: 'service\nthrough -W' });
  const unix = join(short(t), 's');
  const streams = await freePort();
  const server = createServer((socket) => socket.end('unix\n')).listen(unix);
  t.teardown(() => server.close());
  await forwarding(t, '-L', `${streams}:${unix}`);
  await until(async () => (await ask(streams, '')) === 'unix\n', '-L to a unix socket');
  const closed = await freePort();
  t.match(await run('ssh', [...options, '-W', `127.0.0.1:${closed}`, ...far], ''), {
    code: 255,
    err: /open failed: connect failed: Connection refused/,
  });
});

t.test('a jump: the inner connection is one of its own', async (t) => {
  const outer = await hop(t);
  const inner = await hop(t);
  const proxy = ['ssh', ...outer.options, '-W', '%h:%p', '-p', String(outer.port), ROOT].join(' ');
  const ran = await run('ssh', [
    ...inner.options,
    '-o',
    `ProxyCommand=${proxy}`,
    '-p',
    String(inner.port),
    ROOT,
    'echo jumped',
  ]);
  t.match(ran, { out: 'jumped\n', code: 0 });
  await until(() => inner.ends.length === 1 && outer.ends.length === 1, 'both hops have ended');
});

t.test('X11', async (t) => {
  const { options, port } = await hop(t);
  const display = 4321 + Math.floor(Math.random() * 1000);
  const server = createServer((socket) => socket.once('data', (chunk) => socket.end(`X ${chunk.length}\n`)));
  server.listen(6000 + display, '127.0.0.1');
  t.teardown(() => server.close());
  const authority = join(t.testdir(), 'xauth');
  const env = { DISPLAY: `127.0.0.1:${display}`, XAUTHORITY: authority };
  t.match(
    await run('xauth', ['-q', 'add', env.DISPLAY, '.', '00112233445566778899aabbccddeeff'], null, env),
    { code: 0 },
  );
  // The host's xauth is not asked: -Y's cookie is checked by the client, which refuses what does not carry it.
  const ran = await run(
    'ssh',
    [...options, '-Y', '-p', String(port), ROOT, 'echo "$DISPLAY"; xauth list "$DISPLAY"'],
    null,
    env,
  );
  t.match(ran.out, /^localhost:\d+\.0\n.*MIT-MAGIC-COOKIE-1/s);
});

t.test('one connection for several sessions', async (t) => {
  const { options, port, ends } = await hop(t);
  const path = join(short(t), 'c');
  // The first of a name counts.
  const shared = ['-F', 'none', '-o', `ControlPath=${path}`, ...options.slice(2)];
  const master = spawn('ssh', [...shared, '-M', '-N', '-p', String(port), ROOT], { stdio: 'ignore' });
  t.teardown(() => master.kill());
  const session = (...args: string[]) => run('ssh', [...shared, '-p', String(port), ROOT, ...args]);
  await until(
    async () => (await run('ssh', [...shared, '-O', 'check', ROOT])).code === 0,
    'the master is there',
  );
  const all = await Promise.all(Array.from({ length: 30 }, (_, n) => session(`echo ${n}; exit ${n}`)));
  t.strictSame(
    all.map(({ out, code }) => `${out}${code}`),
    all.map((_, n) => `${n}\n${n}`),
  );
  t.equal(ends.length, 0, 'all in one hop');
  await run('ssh', [...shared, '-O', 'exit', ROOT]);
  await until(() => ends.length === 1, 'which has ended');
});

t.test('keepalives, from either side, and new keys under way', async (t) => {
  const { ssh } = await hop(t);
  t.match(await ssh(['-o', 'ServerAliveInterval=1', '-o', 'ServerAliveCountMax=2', 'sleep 4; echo alive']), {
    out: 'alive\n',
  });
  const input = randomBytes(20_000_000).toString('base64');
  const ran = await ssh(['-o', 'RekeyLimit=1M', 'cat'], input);
  t.equal(digest(ran.out), digest(input), 'by the client, while data goes both ways');
});

t.test('new keys by the host', async (t) => {
  using busy = await startSshd(['RekeyLimit 1M']);
  const { ssh } = await rig(t, {
    knownHosts: `[db1]:${busy.port} ${busy.hostKey}`,
    destination: busy.port,
    keys: [busy.key],
  });
  const input = randomBytes(20_000_000).toString('base64');
  t.equal(digest((await ssh(['cat'], input)).out), digest(input));
});
