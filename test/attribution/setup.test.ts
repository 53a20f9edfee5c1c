/** What sshd's privileged half executes as root: a PAM module's doing, or the shell of a login of uid 0. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { HlEventType, type HlKey } from '../../src/kernel/layouts.generated.ts';
import { type Executed, who } from './events.ts';
import { ALICE, Host, session } from './host.ts';

const UNSET = 0xffffffff;
const SSHD = { SSH_CLIENT: '10.0.0.1 50222 22', SSH_CONNECTION: '10.0.0.1 50222 10.0.0.2 22' };
const { EV_ROOT } = HlEventType;

/** A process that runs, with this environment. */
async function running(t: Test, env: Readonly<Record<string, string>>): Promise<HlKey> {
  const child = spawn('/usr/bin/sleep', ['60'], { env }) as ChildProcess & { pid: number };
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise((resolve) => child.once('spawn', resolve));
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return { tgid: child.pid, startNs: BigInt(ticks) * 10_000_000n };
}

/** A login whose sshd is process 0, on a host whose account toor has the number 0 too. */
function login(t: Test): Host {
  const passwd =
    'root:x:0:0::/root:/usr/bin/bash\ntoor:x:0:0::/root:/usr/bin/zsh\nalice:x:2001:2001::/home/alice:/bin/sh\n';
  const host = new Host({ accounts: join(t.testdir({ passwd }), 'passwd') });
  host.root(EV_ROOT);
  host.exec(0, { name: 'sshd', uid: 0, sessionid: UNSET });
  return host;
}

/** sshd's privileged half executes it, as root. */
function bySshd(host: Host, n: number, given: Executed): void {
  if (given.proc) host.lines.set(given.proc.tgid, who(n, { proc: given.proc, owner: given.proc, uid: 0 }));
  host.exec(n, { uid: 0, loginuid: 0, parent: 0, ...given });
}

const programs = (host: Host) => host.record.of('process').map(([image]) => image.label);

t.test('an account of uid 0 that is not called root', async (t) => {
  const host = login(t);
  host.pam = [{ ...session, user: 'toor' }];
  bySshd(host, 1, { name: 'zsh', argv: ['zsh', '-c', 'curl web1'], at: 90_000n });
  host.exec(2, { name: 'curl', uid: 0 });
  t.same(programs(host), ['zsh', 'curl'], 'gone already when its event is read');
  t.match(host.record.of('login'), [[{ user: 'toor', identity: ALICE }]]);
});

t.test('root, where PAM is at work and the hook is not', async (t) => {
  const host = login(t);
  bySshd(host, 1, { name: 'bash', argv: ['bash', '-c', 'motd'], proc: await running(t, {}) });
  t.same(programs(host), [], 'a message of the day is no program of theirs');
  bySshd(host, 2, { name: 'bash', proc: await running(t, SSHD) });
  bySshd(host, 3, { name: 'bash', argv: ['-bash'] });
  t.same(programs(host), ['bash', 'bash'], 'also one that has gone');
  bySshd(host, 4, { name: 'bash', argv: ['bash', '/etc/motd.sh'] });
  bySshd(host, 5, { name: 'dash', filename: '/bin/sh', argv: ['sh', '-c', 'run-parts'] });
  t.equal(programs(host).length, 2, 'which sshd had not started as a shell');
  t.match(host.record.of('login'), [
    [{ user: 'root', uid: 0, client: { address: '10.0.0.1', port: 50222 }, identity: { verified: false } }],
  ]);
});

t.test('what pam_exec executes has some of the environment', async (t) => {
  const host = login(t);
  const { SSH_CONNECTION } = SSHD;
  bySshd(host, 1, { name: 'dash', proc: await running(t, { SSH_CONNECTION, PAM_TYPE: 'open_session' }) });
  t.same(programs(host), []);
  const forged = { ...SSHD, PAM_TYPE: 'open_session' };
  bySshd(host, 2, { name: 'bash', proc: await running(t, forged) });
  t.same(programs(host), ['bash'], 'which a person can not make theirs look like');
});

t.test('PAM modules in the login of another uid', async (t) => {
  const host = login(t);
  bySshd(host, 1, { name: 'dash', loginuid: 2001 });
  bySshd(host, 2, { name: 'env', loginuid: 2001, proc: await running(t, {}) });
  t.same(host.record.calls, [], 'without the hook, by the audit uid');
  const known = login(t);
  known.pam = [session];
  bySshd(known, 1, { name: 'dash', loginuid: UNSET });
  t.same(programs(known), [], 'with it, by the account');
});

t.test('a module that had gone before the hook told whose login this is', async (t) => {
  const host = login(t);
  host.pam = [{ ...session, user: 'root', at: 50_000 }];
  bySshd(host, 1, { name: 'bash', argv: ['bash', '-c', 'x'], at: 20_000n });
  t.same(programs(host), []);
  bySshd(host, 2, { name: 'bash', argv: ['bash', '-c', 'x'], at: 51_000n });
  t.same(programs(host), ['bash']);
});

t.test('an account of a directory service, of which the shell is not known', async (t) => {
  const host = login(t);
  host.pam = [{ ...session, user: 'ldap-root' }];
  bySshd(host, 1, { name: 'ksh', argv: ['-ksh'] });
  t.same(programs(host), ['ksh'], "what is in doubt is the person's");
});

t.test('an environment of a program that was executed since says nothing', async (t) => {
  const host = login(t);
  const proc = await running(t, {});
  host.lines.set(proc.tgid, who(1, { proc, owner: proc, uid: 0, image: 2 }));
  host.exec(1, { name: 'bash', argv: ['-bash'], uid: 0, loginuid: 0, parent: 0, proc });
  t.same(programs(host), ['bash']);
});

t.test('a module was taken for the first program: the shell that follows tells who it is', async (t) => {
  const host = login(t);
  bySshd(host, 1, { name: 'dash', sessionid: UNSET });
  t.match(host.record.of('login'), [[{ user: 'root', uid: 0 }]]);
  host.exec(2, { name: 'bash', uid: 2001, parent: 0, sessionid: UNSET });
  const [[, facts] = []] = host.record.of('identity');
  t.match(facts, { user: 'alice', uid: 2001, identity: { name: 'alice' } });
  bySshd(host, 3, { name: 'dash', sessionid: UNSET });
  const root = host.at.roots.byKernelId(who(0).root);
  t.match(root, { user: 'alice', uid: 2001 }, 'and one that closes the session changes nothing');
});
