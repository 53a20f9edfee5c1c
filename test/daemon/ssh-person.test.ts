import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import t, { type Test } from 'tap';
import { readStat } from '../../src/core/stat.ts';
import { sshPersonOf as personOf, type Started } from '../../src/daemon/ssh-person.ts';
import { until } from '../until.ts';

const uid = process.getuid?.() ?? 0;
/** Of an ssh that nothing of note has started, unless said. */
const sshPersonOf = (one: Partial<Started>) =>
  personOf({
    pid: 0,
    startNs: 0n,
    argv: [],
    exe: '/usr/bin/ssh',
    uid,
    plumbing: false,
    parent: null,
    ...one,
  });

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

t.test('an agent that an option names', async (t) => {
  const running = await process_(t, { SSH_AUTH_SOCK: '/tmp/agent', OTHER: '/tmp/other' });
  const agent = (...argv: string[]) => sshPersonOf({ ...running, argv: ['ssh', ...argv] })?.agent;
  t.equal(agent('-o', 'IdentityAgent=/tmp/named', '-o', 'IdentityAgent=/tmp/second'), '/tmp/named');
  t.equal(agent('-oidentityagent $OTHER'), '/tmp/other');
  t.equal(agent('-o', 'IdentityAgent = $NONE'), null);
  t.equal(agent('-oIdentityAgent=SSH_AUTH_SOCK'), '/tmp/agent');
  t.equal(agent('-oIdentityAgent=none'), null);
  t.match(agent('-oIdentityAgent=~/agent'), /^\/\w.*\/agent$/);
});

t.test('what ssh has connect for it: keys and agent are those of ssh, of the same user', async (t) => {
  const client = await process_(t, { SSH_AUTH_SOCK: '/tmp/agent' });
  const argv = ['ssh', '-i', 'key', '-oIdentityAgent=/tmp/named', 'host'];
  const above = { ...client, argv, exe: '/usr/bin/ssh', uid, plumbing: false, parent: null };
  const connecting = await process_(t, { SSH_AUTH_SOCK: '/tmp/agent' });
  const shell = { ...connecting, argv: ['sh'], exe: '/bin/sh', uid, plumbing: false, parent: above };
  const helper = { ...connecting, argv: ['nc', 'host', '22'], exe: '/bin/nc', parent: shell };
  const wanted = { agent: '/tmp/named', identities: ['/tmp/key'] };
  t.match(sshPersonOf(helper), wanted);
  t.match(sshPersonOf({ ...helper, startNs: 1n, parent: { ...shell, startNs: 1n } }), wanted, 'it has ended');
  const none = { ...above, argv: ['ssh', '-oIdentityAgent=none', 'host'], parent: shell };
  t.match(sshPersonOf({ ...helper, parent: none }), { agent: null }, 'no agent is none');
  const bare = await process_(t, {});
  const program = { ...bare, argv: ['program'], exe: '/bin/program', parent: { ...shell, parent: null } };
  t.match(sshPersonOf(program), { agent: null }, "a shell's agent is not that of what it starts without it");
  t.match(sshPersonOf({ ...client, argv: ['ssh', '-oIdentityFile=~/key', '-i', '%d/other'] })?.identities, [
    /^\/\w.*\/key$/,
    /^\/\w.*\/other$/,
  ]);
  t.equal(sshPersonOf({ ...helper, startNs: 1n, parent: { ...above, plumbing: true } }), null);
  t.equal(sshPersonOf({ ...helper, startNs: 1n, uid: uid + 1, parent: above }), null, "another user's");
  t.match(sshPersonOf({ ...helper, parent: { ...above, startNs: 1n } }), {
    agent: '/tmp/agent',
    identities: [],
  });
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
  const readsAs = async (uid: number, ...command: string[]) =>
    sshPersonOf({
      ...(await process_(t, { PATH: process.env.PATH }, [...command, 'sleep', '60'])),
      argv: [],
      uid,
    });
  const reads = (...command: string[]) => readsAs(0, ...command);
  t.match(await reads(), { account: { uid: 0 }, readsAll: true });
  const both = '-dac_override,-dac_read_search';
  t.match(await reads('setpriv', `--bounding-set=${both}`, `--inh-caps=${both}`), {
    account: { uid: 0 },
    readsAll: false,
  });
  t.match(await reads('setpriv', '--bounding-set=-dac_override', '--inh-caps=-dac_override'), {
    readsAll: true,
  });
  t.match(await readsAs(65_534, 'setpriv', '--reuid=65534', '--clear-groups'), {
    account: { uid: 65_534 },
    readsAll: false,
  });
  t.match(
    await readsAs(
      65_534,
      'setpriv',
      '--reuid=65534',
      '--clear-groups',
      'unshare',
      '--user',
      '--map-root-user',
    ),
    { account: { uid: 65_534 }, readsAll: false },
    'root in a user namespace of their own',
  );
  t.match(await reads('unshare', '--user', '--map-root-user'), { account: { uid: 0 }, readsAll: false });
});

t.test('who runs a set-user-ID program meanwhile signs with nobody’s keys', { skip }, async (t) => {
  // Where everybody may look, wherever the repository lies.
  const directory = mkdtempSync('/tmp/hl-suid-');
  t.teardown(() => rmSync(directory, { recursive: true }));
  chmodSync(directory, 0o755);
  copyFileSync('/bin/sleep', `${directory}/sleep`);
  chmodSync(`${directory}/sleep`, 0o4755);
  const as = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const mine = await process_(t, { PATH: process.env.PATH }, [...as, 'sleep', '60']);
  t.match(sshPersonOf({ ...mine, uid: 65_534 }), { account: { uid: 65_534, gid: 65_534 } });
  const raised = await process_(t, { PATH: process.env.PATH }, [...as, `${directory}/sleep`, '60']);
  t.equal(sshPersonOf({ ...raised, uid: 65_534 }), null);
  const other = await process_(t, { PATH: process.env.PATH });
  t.equal(sshPersonOf({ ...other, uid: 65_534 }), null, 'it was another’s when it connected');
  t.match(
    sshPersonOf({ ...mine, uid: 0 }),
    { account: { uid: 65_534 }, readsAll: false },
    'root may step down',
  );
});
