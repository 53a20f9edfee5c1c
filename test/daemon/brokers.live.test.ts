import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Brokers } from '../../src/daemon/brokers.ts';
import type { SshPerson } from '../../src/daemon/ssh-person.ts';

const entry = join(import.meta.dirname, '../../src/broker.ts');
const home = mkdtempSync('/tmp/hl-home-');
t.teardown(() => rmSync(home, { recursive: true }));
const nobody: SshPerson = {
  account: { uid: 65_534, gid: 65_534 },
  readsAll: false,
  home,
  agent: null,
  identities: [],
};
const root: SshPerson = { ...nobody, account: { uid: 0, gid: 0 } };

t.test('a broker is who it acts for', async (t) => {
  const brokers = new Brokers({ entry, asOthers: true });
  t.teardown(() => brokers.stop());
  await t.rejects(
    brokers.ask(nobody, 'ssh.remember', { line: 'x', address: '' }),
    /EACCES/,
    'root owns that directory',
  );
  t.match(await brokers.ask(root, 'ssh.remember', { line: 'db1 ssh-ed25519 A', address: '' }), {
    path: '~/.ssh/known_hosts',
  });
  t.match(await brokers.ask(root, 'ssh.known-hosts', { address: '127.0.0.1' }), {
    files: [{ text: 'db1 ssh-ed25519 A\n' }],
  });
  const seen = (await brokers.ask(nobody, 'ssh.known-hosts', { address: '127.0.0.1' })) as {
    files: { path: string }[];
  };
  t.notOk(
    seen.files.some(({ path }) => path.startsWith('~')),
    'what they may not read is not read',
  );
  const privileged = await brokers.ask({ ...nobody, readsAll: true }, 'ssh.known-hosts', {
    address: '127.0.0.1',
  });
  t.match(privileged, { files: [{ path: '~/.ssh/known_hosts' }] }, 'what their program may read is');
  await t.rejects(
    brokers.ask({ ...nobody, readsAll: true }, 'ssh.remember', { line: 'x', address: '' }),
    /EACCES/,
    'and no more',
  );
  await t.rejects(brokers.ask(root, 'ssh.nonsense', {}), /no question ssh\.nonsense/);
  const both = await Promise.all(
    [1, 2, 3].map(() => brokers.ask(root, 'ssh.signer', { key: '', address: '' })),
  );
  t.strictSame(both, Array(3).fill({ name: null, locked: null }));
});

t.test('who has many ends their own, and none that is waited for', async (t) => {
  const slow = join(t.testdir(), 'slow.ts');
  writeFileSync(
    slow,
    `process.stdin.on('data', (data) => {
      const { seq, question } = JSON.parse(data);
      if (question !== 'wait') process.stdout.write(JSON.stringify({ seq, found: process.pid, error: '' }) + '\\n');
    }).on('end', () => process.exit());`,
  );
  const brokers = new Brokers({ entry: slow, asOthers: false });
  const person = (uid: number, n: number): SshPerson => ({
    ...nobody,
    account: { uid, gid: 0 },
    agent: `/tmp/${n}`,
  });
  const other = await brokers.ask(person(2, 0), 'pid', {});
  const waits = Array.from({ length: 7 }, (_, n) => brokers.ask(person(1, n), 'wait', {}));
  const ended = Promise.allSettled(waits);
  for (let n = 7; n < 12; n += 1) t.type(await brokers.ask(person(1, n), 'pid', {}), 'number');
  t.equal(await brokers.ask(person(2, 0), 'pid', {}), other, "another's goes on");
  const last = brokers.ask(person(1, 11), 'wait', {});
  last.catch(() => {});
  await t.rejects(brokers.ask(person(1, 12), 'pid', {}), /too many questions about keys wait/);
  t.type(await brokers.ask(person(2, 1), 'pid', {}), 'number');
  brokers.stop();
  t.same(
    (await ended).map(({ status }) => status),
    waits.map(() => 'rejected'),
    'they had waited all the time',
  );
});

t.test('one that dies, or says too much, costs its questions alone', async (t) => {
  const fake = join(t.testdir(), 'fake.ts');
  writeFileSync(
    fake,
    "process.stdin.once('data', () => { const flood = () => process.stdout.write('x'.repeat(1e6), flood); flood(); });",
  );
  const brokers = new Brokers({ entry: fake, asOthers: false });
  t.teardown(() => brokers.stop());
  const before = process.memoryUsage.rss();
  await t.rejects(brokers.ask(root, 'ssh.signer', {}), /has ended/);
  t.ok(process.memoryUsage.rss() - before < 150e6);
  const dying = join(t.testdir(), 'dying.ts');
  writeFileSync(dying, 'process.exit(1)');
  const others = new Brokers({ entry: dying, asOthers: false });
  await t.rejects(others.ask(root, 'ssh.signer', {}), /has ended/);
});
