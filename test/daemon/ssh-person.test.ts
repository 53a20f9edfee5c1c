import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { readStat } from '../../src/core/stat.ts';
import { sshPersonOf } from '../../src/daemon/ssh-person.ts';
import { until } from '../until.ts';

async function process_(t: Test, env: NodeJS.ProcessEnv, command = ['sleep', '60']) {
  const child = spawn(command[0] ?? '', command.slice(1), { env, stdio: 'ignore', cwd: '/tmp' });
  t.teardown(() => child.kill());
  const pid = child.pid ?? 0;
  // It has its name before it has its environment: arguments come with that.
  const runs = () => readStat(pid)?.comm === 'sleep' && readFileSync(`/proc/${pid}/cmdline`).length > 0;
  const stat = await until(() => (runs() ? readStat(pid) : null), 'it runs');
  return { pid, startNs: BigInt(stat.startTicks) * 10_000_000n };
}

t.test('a process says where its agent and its keys are', async (t) => {
  const running = await process_(t, { SSH_AUTH_SOCK: '/tmp/agent', HOME: '/elsewhere' });
  const argv = [
    'ssh',
    '-i',
    '/keys/one',
    '-4i',
    'two',
    '-i/keys/three',
    '-oIdentityFile=/keys/four',
    '-o',
    'identityfile /keys/five',
    'host',
  ];
  const person = sshPersonOf({ ...running, argv });
  t.match(person, { account: { uid: process.getuid?.(), gid: process.getgid?.() }, agent: '/tmp/agent' });
  t.not(person?.home, '/elsewhere', "the account's home, as ssh has it");
  t.strictSame(person?.identities, ['/keys/one', '/tmp/two', '/keys/three', '/keys/four', '/keys/five']);
  t.equal(
    sshPersonOf({ ...running, argv: [], startNs: running.startNs + 10_000_000n }),
    null,
    'the pid is another’s',
  );
  t.equal(sshPersonOf({ pid: 2 ** 22 + 1, startNs: 0n, argv: [] }), null);
});

t.test('no agent, and one that is no path', async (t) => {
  t.match(sshPersonOf({ ...(await process_(t, {})), argv: [] }), { agent: null });
  t.match(sshPersonOf({ ...(await process_(t, { SSH_AUTH_SOCK: 'relative' })), argv: [] }), { agent: null });
});

const skip = process.getuid?.() === 0 ? false : 'needs root, for another root';
t.test(
  'in another root, as containers have: nothing of the host’s person is its own',
  { skip },
  async (t) => {
    const env = { SSH_AUTH_SOCK: '/tmp/agent', HOME: '/root', PATH: process.env.PATH };
    // What is under /usr is enough for a program of its own.
    const running = await process_(t, env, ['/usr/sbin/chroot', '/usr', '/bin/sleep', '60']);
    t.strictSame(sshPersonOf({ ...running, argv: ['ssh', '-i', '/root/.ssh/id_ed25519', 'host'] }), {
      account: { uid: 0, gid: 0 },
      readsAll: false,
      home: null,
      agent: null,
      identities: [],
    });
  },
);

t.test('whose programs may read anything, and whose may not', { skip }, async (t) => {
  const reads = async (...command: string[]) =>
    sshPersonOf({
      ...(await process_(t, { PATH: process.env.PATH }, [...command, 'sleep', '60'])),
      argv: [],
    });
  t.match(await reads(), { account: { uid: 0 }, readsAll: true });
  const both = '-dac_override,-dac_read_search';
  t.match(await reads('setpriv', `--bounding-set=${both}`, `--inh-caps=${both}`), {
    account: { uid: 0 },
    readsAll: false,
  });
  t.match(await reads('setpriv', '--bounding-set=-dac_override', '--inh-caps=-dac_override'), {
    readsAll: true,
  });
  t.match(await reads('setpriv', '--reuid=65534', '--clear-groups'), {
    account: { uid: 65_534 },
    readsAll: false,
  });
  t.match(
    await reads('setpriv', '--reuid=65534', '--clear-groups', 'unshare', '--user', '--map-root-user'),
    { account: { uid: 65_534 }, readsAll: false },
    'root in a user namespace of their own',
  );
  t.match(await reads('unshare', '--user', '--map-root-user'), { account: { uid: 0 }, readsAll: false });
});
