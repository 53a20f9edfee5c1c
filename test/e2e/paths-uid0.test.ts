// Logins of uid 0: sshd's privileged half starts their shell, as it starts what PAM's modules execute.
import { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { fingerprint, isHop } from './assertions.ts';
import { IPV4, labName, labUp, mark, rootOf, ssh, start, waitForHop } from './support.ts';

t.before(labUp);
t.jobs = 2;

const HOST = 'bastion1';
const KEYS = ['alice', 'bob'].map((user) => `/run/hopline-${labName}/keys/${user}-laptop.pub`);

/** An sshd that lets people in as uid 0 by their keys, with a PAM service of its own. */
async function daemon(t: Test, port: number, pam: string): Promise<void> {
  const word = mark();
  const root = rootOf(HOST);
  const dir = `/etc/ssh/${word}.d`;
  mkdirSync(`${root}${dir}`);
  // PAM's service is called as sshd is; the kernel knows the program by its file.
  symlinkSync('/usr/sbin/sshd', `${root}${dir}/sshd-${word}`);
  writeFileSync(`${root}/etc/pam.d/sshd-${word}`, pam);
  writeFileSync(`${root}${dir}/keys`, KEYS.map((path) => readFileSync(path, 'utf8')).join(''), {
    mode: 0o644,
  });
  const lines = [
    ...[`Port ${port}`, 'HostKey /etc/ssh/ssh_host_ed25519_key', 'PidFile none', 'UsePAM yes'],
    ...['PermitRootLogin yes', `AuthorizedKeysFile ${dir}/keys`, `ListenAddress ${IPV4.address(HOST)}`, ''],
  ];
  writeFileSync(`${root}${dir}/config`, lines.join('\n'));
  const command = [`${dir}/sshd-${word}`, '-D', '-e', '-f', `${dir}/config`];
  await start(t, ['exec', HOST, '--', ...command]).until(/listening on/);
}

async function reaches(user: string, port: number) {
  const word = mark();
  const command = `: ${word}; curl -s ${IPV4.url('web1', 80, word)}`;
  const options = ['-p', `${port}`, '-o', `HostKeyAlias=${HOST}`];
  const { code, err } = await ssh(user, HOST, command, { ssh: options });
  const found = await waitForHop(HOST, word);
  const programs = found.login.processes.map(({ argv }) => argv.join(' '));
  return { found, programs, code, err };
}

const HELPERS = /helper=1|pam-session|run-parts|update-motd/;
const HELPER = 'session optional pam_exec.so quiet /usr/bin/env helper=1 true\n';

t.test('an account of uid 0 with another name', { buffered: true }, async (t) => {
  const root = rootOf(HOST);
  appendFileSync(`${root}/etc/passwd`, 'toor:x:0:0:another root:/:/bin/bash\n');
  appendFileSync(`${root}/etc/shadow`, 'toor:*:20000:0:99999:7:::\n');
  await daemon(t, 2251, readFileSync(`${root}/etc/pam.d/sshd`, 'utf8') + HELPER);
  const { found, programs, code, err } = await reaches('toor', 2251);
  t.equal(code, 0, err);
  t.match(found.login, {
    ...{ kind: 'ssh', user: 'toor', uid: 0, client: { address: IPV4.address('laptop') } },
    identity: {
      name: 'alice',
      verified: true,
      evidence: { fingerprint: fingerprint('alice'), source: 'pam' },
    },
  });
  isHop(t, found, { chain: ['bash', 'curl'], address: IPV4.address('web1'), port: 80, target: 'web1' });
  t.notOk(
    programs.some((line) => HELPERS.test(line)),
    "nothing of PAM's modules",
  );
});

t.test("root, where PAM has no line of Hopline's", { buffered: true }, async (t) => {
  const pam = readFileSync(`${rootOf(HOST)}/etc/pam.d/sshd`, 'utf8')
    .split('\n')
    .filter((line) => !line.includes('pam-session'))
    .join('\n');
  t.match(pam, 'pam_loginuid');
  await daemon(t, 2252, pam + HELPER);
  const { found, programs } = await reaches('root', 2252);
  t.match(found.login, {
    ...{ kind: 'ssh', user: 'root', uid: 0, client: { address: IPV4.address('laptop') } },
    identity: { name: 'root', verified: false, evidence: { method: 'account' } },
  });
  const denied = { outcome: 'deny', mode: 'denied' } as const;
  isHop(t, found, { chain: ['bash', 'curl'], address: IPV4.address('web1'), port: 80, ...denied });
  t.notOk(
    programs.some((line) => HELPERS.test(line)),
    "nothing of PAM's modules",
  );
});
