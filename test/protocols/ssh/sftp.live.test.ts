import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Facts } from '../../../src/protocols/room.ts';
import { until } from '../../until.ts';
import { type Recorded, rig, run, signerOf } from './rig.ts';
import { startSshd } from './sshd.ts';

const sshd = await startSshd();
t.teardown(() => sshd[Symbol.dispose]());
const ROOT = 'root@127.0.0.1';
const hop = (t: Test, deny: (facts: Facts) => string | null = () => null) =>
  rig(t, {
    ...{ knownHosts: `[db1]:${sshd.port} ${sshd.hostKey}`, destination: sshd.port },
    deny: (_, facts) => deny(facts),
    held: [{ type: 'key', signer: signerOf(sshd.key) }],
  });
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const lines = (recorded: readonly Recorded[]) =>
  recorded.map(({ subject, decision }) => `${decision.outcome} ${subject}`);

t.test('each operation is on record, with the digest of what was moved', async (t) => {
  const directory = t.testdir({ far: { old: 'old' } });
  const far = join(directory, 'far');
  const big = randomBytes(3_000_000);
  writeFileSync(join(directory, 'big'), big);
  writeFileSync(join(directory, 'empty'), '');
  const commands = [
    `put ${directory}/big ${far}/big`,
    `put ${directory}/empty ${far}/empty`,
    `get ${far}/big ${directory}/got`,
    `ls ${far}`,
    `rename ${far}/big ${far}/new`,
    `chmod 600 ${far}/new`,
    `mkdir ${far}/d`,
    `ln -s ${far}/new ${far}/link`,
    `rm ${far}/old`,
    `rmdir ${far}/d`,
    `-get ${far}/none ${directory}/none`,
  ];
  const batch = join(directory, 'batch');
  writeFileSync(batch, `${commands.join('\n')}\n`);
  const { options, port, recorded, ends } = await hop(t);
  t.match(await run('sftp', [...options, '-b', batch, '-P', String(port), ROOT]), { code: 0 });
  t.ok(readFileSync(join(directory, 'got')).equals(big));
  t.notOk(existsSync(join(far, 'old')));
  await until(() => ends.length === 1, 'the hop has ended');
  t.ok(
    recorded.every(({ kind, result }) => kind === 'transfer' && result !== null),
    'all have ended',
  );
  const of = (subject: string) => recorded.filter((each) => each.subject === subject);
  t.match(of(`write ${far}/big`), [
    { detail: { direction: 'upload' }, result: { bytes: big.length, sha256: sha256(big) } },
  ]);
  t.match(of(`write ${far}/empty`), [{ result: { bytes: 0, sha256: sha256(Buffer.alloc(0)) } }]);
  t.match(of(`read ${far}/big`), [
    { detail: { direction: 'download' }, result: { bytes: big.length, sha256: sha256(big) } },
  ]);
  for (const subject of [
    `list ${far}/`,
    `rename ${far}/big`,
    `rename ${far}/new`,
    `mkdir ${far}/d`,
    `remove ${far}/old`,
    `rmdir ${far}/d`,
    `change ${far}/new`,
  ])
    t.ok(of(subject).length > 0, subject);
  t.match(of(`symlink ${far}/link`), [{ detail: { to: `${far}/new` } }]);
});

t.test('what is refused is answered in its place, and the session goes on', async (t) => {
  const directory = t.testdir({ far: { secret: 'secret', plain: 'plain' }, file: 'x'.repeat(200_000) });
  const far = join(directory, 'far');
  const { options, port, recorded, ends } = await hop(t, ({ path, operation }) =>
    String(path).endsWith('/secret') || operation === 'write' ? `not ${operation}` : null,
  );
  const commands = [
    `-get ${far}/secret ${directory}/s`,
    `get ${far}/plain ${directory}/p`,
    `-put ${directory}/file ${far}/up`,
    `-rename ${far}/plain ${far}/secret`,
    `-rm ${far}/secret`,
    `ls ${far}`,
  ];
  const batch = join(directory, 'batch');
  writeFileSync(batch, `${commands.join('\n')}\n`);
  const ran = await run('sftp', [...options, '-b', batch, '-P', String(port), ROOT]);
  t.equal(ran.code, 0, ran.err);
  t.match(ran.err, /Hopline: not read\n/);
  t.match(ran.err, /secret.*[Pp]ermission denied/);
  t.match(ran.err, /Hopline: not write\n/);
  t.match(ran.out, /plain/, 'which goes on');
  t.equal(readFileSync(join(directory, 'p'), 'utf8'), 'plain');
  t.equal(readFileSync(join(far, 'secret'), 'utf8'), 'secret');
  t.notOk(existsSync(join(far, 'up')));
  t.notOk(existsSync(join(directory, 's')));
  await until(() => ends.length === 1, 'the hop has ended');
  const denied = lines(recorded).filter((line) => line.startsWith('deny'));
  t.strictSame(denied, [
    `deny read ${far}/secret`,
    `deny write ${far}/up`,
    `deny rename ${far}/secret`,
    `deny remove ${far}/secret`,
  ]);
});

t.test('many at once, some refused among those that flow', async (t) => {
  const directory = t.testdir({ from: {}, to: {} });
  for (let n = 0; n < 200; n += 1) writeFileSync(join(directory, 'from', `f${n}`), randomBytes(n * 300));
  const { options, port, ends, recorded } = await hop(t, ({ path, operation }) =>
    operation === 'write' && /[05]$/.test(String(path)) ? 'no' : null,
  );
  mkdirSync(join(directory, 'to/from'));
  const ran = await run('scp', [
    ...options,
    '-s',
    '-rq',
    '-P',
    String(port),
    join(directory, 'from'),
    `${ROOT}:${directory}/to`,
  ]);
  t.equal(ran.code, 1, 'some failed');
  for (let n = 0; n < 200; n += 1) {
    const to = join(directory, 'to/from', `f${n}`);
    if (n % 5 === 0) t.notOk(existsSync(to), `f${n} is refused`);
    else t.ok(readFileSync(to).equals(readFileSync(join(directory, 'from', `f${n}`))), `f${n} is whole`);
  }
  await until(() => ends.length === 1, 'the hop has ended');
  t.ok(recorded.every(({ result }) => result !== null));
});

t.test('a session that is a command, and scp by sftp', async (t) => {
  const directory = t.testdir({ file: 'content' });
  const { options, port, recorded, ends } = await hop(t, ({ operation }) =>
    operation === 'write' ? 'no' : null,
  );
  const scp = await run('scp', [
    ...options,
    '-s',
    '-P',
    String(port),
    join(directory, 'file'),
    `${ROOT}:${directory}/up`,
  ]);
  t.match(scp, { code: 1, err: /Hopline: no\n/ });
  const batch = join(directory, 'batch');
  writeFileSync(batch, `-put ${directory}/file ${directory}/up\n`);
  const args = ['-b', batch, '-s', '/usr/lib/openssh/sftp-server', '-P', String(port), ROOT];
  t.match(await run('sftp', [...options, ...args]), { code: 0, err: /Hopline: no\n/ });
  t.notOk(existsSync(join(directory, 'up')));
  await until(() => ends.length === 2, 'both have ended');
  t.ok(recorded.every(({ result }) => result !== null));
});
