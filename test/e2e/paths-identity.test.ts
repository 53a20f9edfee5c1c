// Who a login belongs to, by what was shown at the door: key, certificate, password, or nothing but an account.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from 'node-pty';
import t, { type Test } from 'tap';
import { fingerprint, groupsOf, isHop } from './assertions.ts';
import {
  exclusively,
  FAMILIES,
  hopline,
  lab,
  labEnv,
  labName,
  labScript,
  labUp,
  mark,
  type Running,
  rootOf,
  ssh,
  start,
  waitForHop,
  waitForLogin,
} from './support.ts';

t.before(labUp);
t.jobs = 4;

/** A second sshd beside the host's own, outside of any login. */
async function daemon(
  t: Test,
  host: 'bastion1' | 'bastion2',
  port: number,
  lines: readonly string[],
): Promise<Running> {
  const word = mark();
  const config = [`Port ${port}`, 'HostKey /etc/ssh/ssh_host_ed25519_key', 'PidFile none', ...lines, ''].join(
    '\n',
  );
  writeFileSync(`${rootOf(host)}/etc/ssh/${word}`, config);
  const sshd = start(t, ['exec', host, '--', '/usr/sbin/sshd', '-D', '-e', '-f', `/etc/ssh/${word}`]);
  await sshd.until(/listening on ::/);
  return sshd;
}

for (const family of FAMILIES) {
  const port = 2230 + Number(family.version);
  t.test(`an sshd without PAM, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    await daemon(t, 'bastion1', port, [
      'UsePAM no',
      `ListenAddress ${family.address('bastion1')}`,
      'ListenAddress ::1',
    ]);
    const url = family.url('web1', 80, word);
    const { out, code } = await ssh('alice', 'bastion1', `: ${word}; curl -s ${url}`, {
      family,
      ssh: ['-p', `${port}`, '-o', 'HostKeyAlias=bastion1'],
    });
    t.not(code, 0);
    t.equal(out, '');
    const found = await waitForHop('bastion1', word);
    t.match(found.login, {
      kind: 'ssh',
      user: 'alice',
      uid: 2001,
      client: { address: family.address('laptop') },
      identity: { name: 'alice', verified: false, groups: [], evidence: { method: 'account' } },
    });
    // Nobody has verified that this is an engineer: the lab's policy lets only those connect.
    isHop(t, found, {
      chain: ['bash', 'curl'],
      address: family.address('web1'),
      port: 80,
      target: 'web1',
      outcome: 'deny',
      mode: 'denied',
    });
  });

  t.test(`a password, ${family.name}`, { buffered: true }, async (t) => {
    const word = mark();
    const url = family.url('web1', 80, word);
    const args = [
      'ssh',
      `bob@${family.address('bastion1')}`,
      '-o',
      'PubkeyAuthentication=no',
      '-o',
      'NumberOfPasswordPrompts=1',
      '--',
      `: ${word}; curl -s ${url}`,
    ];
    const terminal = spawn(labScript, args, { env: labEnv });
    let said = '';
    terminal.onData((text) => {
      said += text;
      if (/password: $/.test(said)) terminal.write('bob\r');
    });
    await new Promise<void>((resolve) => terminal.onExit(() => resolve()));
    const found = await waitForHop('bastion1', word);
    t.match(found.login, {
      user: 'bob',
      client: { address: family.address('laptop') },
      identity: { name: 'bob', verified: false, evidence: { method: 'password', source: 'pam' } },
    });
    isHop(t, found, {
      chain: ['bash', 'curl'],
      address: family.address('web1'),
      port: 80,
      outcome: 'deny',
      mode: 'denied',
    });
  });
}

t.test('a login that fails leaves none in the record', { buffered: true }, async (t) => {
  // From an address of its own, by which it would be known.
  const ns = `hl-${labName}-laptop`;
  execFileSync('ip', ['-n', ns, 'address', 'replace', '10.77.0.3/24', 'dev', 'eth0']);
  t.teardown(() => execFileSync('ip', ['-n', ns, 'address', 'delete', '10.77.0.3/24', 'dev', 'eth0']));
  const from = ['-b', '10.77.0.3', '-o', 'BatchMode=yes'];
  interface Login {
    readonly id: string;
    readonly user: string | null;
    readonly kind: string;
    readonly client: { address: string } | null;
  }
  const recorded = async () =>
    JSON.parse((await hopline('bastion1', ['logins', '--all', '--json'])).out) as Login[];
  const before = (await recorded()).map(({ id }) => id);
  const attempts = [
    lab(['ssh', 'mallory@10.77.0.11', ...from, '--', 'true']),
    lab(['ssh', 'alice@10.77.0.11', ...from, '-o', 'PubkeyAuthentication=no', '--', 'true']),
    lab([
      'exec',
      'laptop',
      '--',
      'bash',
      '-c',
      'exec 3<>/dev/tcp/10.77.0.11/22; read -r line <&3; echo "$line"',
    ]),
  ];
  const [unknown, wrong, gone] = await Promise.all(attempts);
  t.equal(unknown?.code, 255);
  t.equal(wrong?.code, 255);
  t.match(gone?.out, 'SSH-2.0-', 'it hung up');
  const word = mark();
  t.equal((await ssh('alice', 'bastion1', `true ${word}; sleep 0.1`, { ssh: ['-b', '10.77.0.3'] })).code, 0);
  await waitForLogin('bastion1', word, ({ ended }) => ended !== null);
  const logins = (await recorded()).filter(({ id }) => !before.includes(id));
  const ours = logins.filter(({ client }) => client?.address === '10.77.0.3');
  t.equal(ours.length, 1, 'only the one that came in');
  t.same(
    logins.filter(
      ({ kind, user }) => kind === 'ssh' && (user === null || user === 'mallory' || user === 'sshd'),
    ),
    [],
    'no login of nobody',
  );
});

t.test('a certificate', { buffered: true, timeout: 1_200_000 }, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'hopline-ca-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const keygen = (...args: string[]) => execFileSync('ssh-keygen', ['-q', ...args], { cwd: dir });
  keygen('-t', 'ed25519', '-N', '', '-f', 'ca');
  keygen('-t', 'ed25519', '-N', '', '-f', 'id');
  // Others may have the bastion for minutes before it is this test's turn.
  keygen('-s', 'ca', '-I', 'bob@example.com', '-n', 'bob', '-z', '42', '-V', '-1h:+1d', 'id.pub');
  const printed = (file: string) =>
    execFileSync('ssh-keygen', ['-lf', file], { cwd: dir, encoding: 'utf8' }).split(' ')[1] ?? '';
  const ca = printed('ca.pub');
  const word = mark();
  for (const file of ['id', 'id-cert.pub']) {
    const to = `${rootOf('laptop')}/tmp/${word}${file.slice(2)}`;
    writeFileSync(to, readFileSync(join(dir, file)), { mode: 0o600 });
    execFileSync('chown', ['2002:2002', to]);
  }
  writeFileSync(`${rootOf('bastion2')}/etc/ssh/${word}.ca`, readFileSync(join(dir, 'ca.pub')));

  await exclusively('bastion2', async () => {
    const sshd = await daemon(t, 'bastion2', 2240, [
      'UsePAM yes',
      `TrustedUserCAKeys /etc/ssh/${word}.ca`,
      'AuthorizedKeysFile none',
      'ListenAddress 10.77.0.12',
      'ListenAddress fd77::12',
      'ListenAddress ::1',
    ]);
    const identities = `${rootOf('bastion2')}/etc/hopline/identities.yaml`;
    const before = readFileSync(identities, 'utf8');
    for (const known of [false, true]) {
      if (known) {
        const entry = `    certificates:\n      - {ca: "${ca}", keyId: "bob@example.com"}\n`;
        writeFileSync(identities, before.replace(/( {2}bob:\n)/, `$1${entry}`));
        const reload = await hopline('bastion2', ['reload']);
        t.equal(reload.code, 0, reload.err);
      }
      for (const family of FAMILIES) {
        const own = mark();
        const url = family.url('web1', 80, own);
        const { err } = await ssh('bob', 'bastion2', `: ${own}; curl -s ${url}`, {
          family,
          ssh: [
            '-p',
            '2240',
            '-i',
            `/tmp/${word}`,
            '-o',
            'IdentitiesOnly=yes',
            '-o',
            'HostKeyAlias=bastion2',
          ],
        });
        const found = await waitForHop('bastion2', own).catch((error) => {
          throw new Error(`${error.message} ${err} ${sshd.said()}`);
        });
        t.match(found.login.identity, {
          name: 'bob',
          verified: known,
          groups: known ? groupsOf('bob') : [],
          evidence: {
            method: 'certificate',
            keyId: 'bob@example.com',
            serial: '42',
            principals: ['bob'],
            ca,
            fingerprint: printed('id.pub'),
            source: 'pam',
          },
        });
        isHop(t, found, {
          chain: ['bash', 'curl'],
          address: family.address('web1'),
          port: 80,
          outcome: known ? 'allow' : 'deny',
          mode: known ? 'inspect' : 'denied',
        });
      }
    }
    writeFileSync(identities, before);
    t.equal((await hopline('bastion2', ['reload'])).code, 0);
  });
});

t.test('the evidence of a key is the key that was used', { buffered: true }, async (t) => {
  const word = mark();
  await ssh('bob', 'bastion1', `true ${word}; sleep 0.1`);
  const login = await waitForLogin('bastion1', word);
  t.equal(login.identity?.evidence.fingerprint, fingerprint('bob'));
  t.not(login.identity?.evidence.fingerprint, fingerprint('alice'));
});
