/** What is recorded of real sessions of a real sshd. */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { TerminalReplayer } from '../../../src/protocols/ssh/recorded/replay.ts';
import { type Replayed, TERMINAL } from '../../../src/recording/replay.ts';
import { until } from '../../until.ts';
import { type Rig, rig, run } from './rig.ts';
import { startSshd } from './sshd.ts';
import { terminal } from './terminal.ts';

const sshd = await startSshd();
t.teardown(() => sshd[Symbol.dispose]());
const hop = (t: Test): Promise<Rig> =>
  rig(t, { knownHosts: `[db1]:${sshd.port} ${sshd.hostKey}`, destination: sshd.port, keys: [sshd.key] });

async function played({ recordings }: Rig): Promise<Replayed[]> {
  const replayer = new TerminalReplayer();
  return (await recordings.records()).flatMap((record) => [...replayer.push(record)]);
}

/** All of a stream's bytes. */
function all(events: readonly Replayed[], type: 'stdout' | 'stderr' | 'input', action = 1): string {
  const parts = events.flatMap((event) =>
    event.type === type && event.action === action && 'bytes' in event ? [event.bytes] : [],
  );
  return Buffer.concat(parts).toString();
}

const withheld = (events: readonly Replayed[]) =>
  events.reduce((sum, event) => sum + (event.type === 'withheld' ? event.count : 0), 0);

t.test('a command: both streams, apart; what it is fed is only counted', async (t) => {
  const on = await hop(t);
  const many = randomBytes(300_000).toString('base64');
  const ran = await on.ssh([`cat; echo problem >&2; exit 4`], many);
  t.match(ran, { out: many, err: 'problem\n', code: 4 });
  await until(() => on.ends.length === 1, 'the end');
  const events = await played(on);
  t.match(events[0], {
    type: 'terminal',
    action: 1,
    terminal: null,
    command: 'cat; echo problem >&2; exit 4',
  });
  t.equal(all(events, 'stdout'), many);
  t.equal(all(events, 'stderr'), 'problem\n');
  t.equal(withheld(events), many.length);
  t.equal(events.at(-1)?.type, 'closed');
  t.match(on.recordings.all, [{ kind: TERMINAL, ended: null }]);
});

t.test('a command that gives no text: its beginning, and the sum of all of it', async (t) => {
  const on = await hop(t);
  const file = join(on.directory, 'noise');
  const noise = randomBytes(3_000_000);
  writeFileSync(file, noise);
  const sha256 = createHash('sha256').update(noise).digest('hex');
  t.match(await on.ssh([`cat ${file} | tee /dev/stderr | sha256sum; echo done >&2`]), {
    out: `${sha256}  -\n`,
    err: /done\n$/,
  });
  const events = await played(on);
  const kept = 1 << 20;
  const binary = (all: readonly Replayed[]) => all.filter(({ type }) => type === 'binary');
  const stderr = events.flatMap((event) => (event.type === 'stderr' ? [event.bytes] : []));
  const [first, last] = binary(events);
  if (first?.type !== 'binary' || last?.type !== 'binary') throw new Error('no sum');
  t.match(first, { stream: 'stderr', sum: null });
  t.ok(first.kept >= kept && first.kept < kept + 32_768, `${first.kept}`);
  t.ok(Buffer.concat(stderr).equals(noise.subarray(0, first.kept)), 'what is kept is its beginning');
  const whole = createHash('sha256').update(noise).update('done\n').digest('hex');
  t.match(last, { kept: first.kept, sum: { bytes: noise.length + 5, sha256: whole } });
  t.equal(all(events, 'stdout'), `${sha256}  -\n`);
  t.match(on.recorded, [
    { result: { stderr: { bytes: noise.length + 5, sha256: whole, kept: first.kept }, stdout: undefined } },
  ]);
});

t.test('no text that is short is kept whole, as is text of any length', async (t) => {
  const on = await hop(t);
  t.equal((await on.ssh([`head -c 1000000 /dev/zero; seq 400000 >&2; printf 'x\\0' >&2`])).code, 0);
  const events = await played(on);
  t.same(
    events.filter(({ type }) => type === 'binary'),
    [],
  );
  t.equal(all(events, 'stdout').length, 1_000_000);
  t.match(all(events, 'stderr'), /\n400000\nx\0$/);
});

t.test('no text is kept whole where that is wanted', async (t) => {
  const on = await hop(t);
  on.recordings.terminals = 'all';
  t.equal((await on.ssh(['head -c 2000000 /dev/zero'])).out.length, 2_000_000);
  const events = await played(on);
  t.equal(all(events, 'stdout').length, 2_000_000);
  t.notOk(events.some(({ type }) => type === 'binary'));
});

t.test('a shell: what was typed and shown, its size; a password is not in it', async (t) => {
  const on = await hop(t);
  const person = terminal('ssh', [...on.options, '-p', `${on.port}`, 'root@127.0.0.1']);
  await person.expect(/[#$] $/);
  person.type('PS1=ready:; bind "set enable-bracketed-paste off"\r');
  await person.expect(/ready:$/);
  for (const key of 'echo said-$((40+2))') person.type(key);
  person.type('\r');
  await person.expect(/said-42\r\n/);
  person.resize(132, 43);
  person.type('stty size; read -s -p "Word: " word\r');
  await person.expect(/43 132[\s\S]*Word: $/);
  person.type('open-sesame');
  await new Promise((resolve) => setTimeout(resolve, 300));
  person.type('\r');
  await person.expect(/ready:$/);
  person.type('expr length "$word"; exit 7\r');
  await person.expect(/\r\n11\r\n/);
  t.equal(await person.exit(), 7);
  await until(() => on.ends.length === 1, 'the end');
  const events = await played(on);
  t.match(events[0], {
    type: 'terminal',
    terminal: { term: 'xterm-256color', columns: 100, rows: 30 },
    command: null,
  });
  const [typed, shown] = [all(events, 'input'), all(events, 'stdout')];
  t.match(typed, /echo said-\$\(\(40\+2\)\)\r/);
  t.match(typed, /exit 7\r/);
  t.match(shown, /said-42[\s\S]*Word: [\s\S]*\r\n11\r\n/);
  t.notMatch(`${typed}${shown}`, /open-sesame|sesame/);
  // A prompt that is drawn anew, after the change of size, keeps what is typed then from being seen.
  t.ok(withheld(events) >= 'open-sesame'.length);
  t.same(
    events.filter(({ type }) => type === 'resize').map((event) => ({ ...event, at: 0 })),
    [{ type: 'resize', action: 1, at: 0, columns: 132, rows: 43 }],
  );
  t.ok(
    events.every(({ at }, index) => at >= (events[index - 1]?.at ?? 0)),
    'in order',
  );
});

t.test('what is moved is recorded as that, and not as a terminal', async (t) => {
  const on = await hop(t);
  const file = join(on.directory, 'file');
  writeFileSync(file, randomBytes(100_000));
  const port = `${on.port}`;
  const scp = (...args: string[]) => run('scp', [...on.options, '-q', '-P', port, ...args]);
  t.match(await scp(file, `root@127.0.0.1:${on.directory}/up`), { code: 0 });
  t.match(await scp('-O', file, `root@127.0.0.1:${on.directory}/up`), { code: 0 });
  const rsh = ['ssh', ...on.options, '-p', port].join(' ');
  t.match(await run('rsync', ['-e', rsh, file, `root@127.0.0.1:${on.directory}/up`]), { code: 0 });
  t.match(await run('git', ['init', '-q', '--bare', `${on.directory}/r.git`]), { code: 0 });
  t.match(
    await run('git', ['ls-remote', `root@127.0.0.1:${on.directory}/r.git`], null, { GIT_SSH_COMMAND: rsh }),
    { code: 0 },
  );
  t.same(on.recordings.all, []);
  t.match(
    on.recorded.filter(({ kind }) => kind === 'transfer').map(({ detail }) => detail.tool),
    ['sftp', 'sftp', 'scp', 'rsync', 'git'],
  );
});

t.test('by policy, and by the configuration where no policy says', async (t) => {
  const on = await hop(t);
  on.recordings.terminals = 'none';
  t.match(await on.ssh(['echo unseen']), { out: 'unseen\n' });
  t.same(on.recordings.all, []);
});

t.test('what cannot be recorded', async (t) => {
  const strict = await hop(t);
  strict.recordings.broken = 'no space left';
  const marker = join(t.testdir(), 'marker');
  const ended = await strict.ssh([`touch ${marker}; echo seen`]);
  t.match(ended, {
    out: '',
    code: 255,
    err: /Hopline: this session is to be recorded, and that cannot be done: no space left/,
  });
  await until(() => strict.ends.length === 1, 'the end');
  t.match(strict.ends, [{ reason: /no space left/ }]);
  t.match(strict.recorded, [{ result: { error: /cannot be done: no space left/ } }]);
  t.notOk(existsSync(marker), 'it has not run');
  const lenient = await hop(t);
  lenient.recordings.broken = 'no space left';
  lenient.recordings.onFailure = 'continue';
  t.match(await lenient.ssh(['echo seen']), { out: 'seen\n', code: 0 });
});

t.test('nothing is shown before there is a file', async (t) => {
  const on = await hop(t);
  on.recordings.ready = false;
  let shown = '';
  const child = spawn('ssh', [...on.options, '-p', `${on.port}`, 'root@127.0.0.1', 'echo seen'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.on('data', (chunk) => (shown += chunk));
  const [made] = await until(() => (on.recordings.all.length > 0 ? on.recordings.all : null), 'a recording');
  await new Promise((resolve) => setTimeout(resolve, 700));
  t.equal(shown, '');
  made?.writer.opened();
  t.same(await once(child, 'close'), [0, null]);
  t.equal(shown, 'seen\n');
});

t.test('as long as it may be, and then no more', async (t) => {
  const on = await hop(t);
  on.recordings.most = 200_000;
  const ran = await on.ssh(['head -c 5000000 /dev/urandom | base64 -w0']);
  t.equal(ran.out.length, Math.ceil(5_000_000 / 3) * 4, 'the person has all of it');
  await until(() => on.ends.length === 1, 'the end');
  await played(on);
  t.match(on.recordings.all, [{ ended: /^cut at \d+ bytes$/ }]);
});
