import { createHash, createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { Secret } from '../../../src/core/secret.ts';
import type { SshfpRecords } from '../../../src/protocols/ssh/questions.ts';
import { certify, newKey, printOf, publicKey } from '../../identity/keys.ts';
import { until } from '../../until.ts';
import { testAccount } from './account.ts';
import { rawClient } from './raw.ts';
import { rig, run, signerOf } from './rig.ts';
import { startSshd } from './sshd.ts';
import { terminal } from './terminal.ts';

const account = testAccount();
t.teardown(() => account[Symbol.dispose]());
const sshd = await startSshd(
  ['UsePAM yes', 'KbdInteractiveAuthentication yes', 'Banner /etc/debian_version'],
  ['ed25519', 'rsa'],
);
t.teardown(() => sshd[Symbol.dispose]());
const name = `[db1]:${sshd.port}`;
const known = `${name} ${sshd.hostKey}`;
const ROOT = 'root@127.0.0.1';

t.test('a command at a host that is known, with the key that the client means', async (t) => {
  const { ssh, ends } = await rig(t, { knownHosts: known, destination: sshd.port, keys: [sshd.key] });
  const ran = await ssh(['echo out; echo err >&2; exit 7']);
  t.match(ran, { out: 'out\n', code: 7 });
  t.match(ran.err, /^\d+\.\d+\s+err\n$/, "with the host's own banner");
  await until(() => ends.length === 1, 'the hop has ended');
  t.match(ends, [{ reason: null }]);
});

t.test('with a key or a password that Hopline holds, nothing is asked', async (t) => {
  const key = await rig(t, {
    ...{ knownHosts: known, destination: sshd.port },
    held: [{ type: 'key', signer: signerOf(sshd.key) }],
  });
  t.match(await key.ssh(['-o', 'BatchMode=yes', 'id -un']), { out: 'root\n', code: 0 });
  const password = await rig(t, {
    ...{ knownHosts: known, destination: sshd.port },
    held: [{ type: 'password', name: 'held', password: new Secret(account.password), refused: () => {} }],
  });
  t.match(await password.answering([], ['-o', 'BatchMode=yes', `${account.name}@127.0.0.1`, 'id -un']), {
    out: `${account.name}\n`,
    asked: [],
  });
});

t.test('a password that Hopline holds answers a challenge; one that is refused is told of', async (t) => {
  using pam = await startSshd([
    'UsePAM yes',
    'KbdInteractiveAuthentication yes',
    'PasswordAuthentication no',
    'MaxAuthTries 20',
  ]);
  let refused = 0;
  const options = (password: string) => ({
    ...{ knownHosts: `[db1]:${pam.port} ${pam.hostKey}`, destination: pam.port },
    held: [
      {
        type: 'password',
        name: 'held',
        password: new Secret(password),
        refused: () => {
          refused += 1;
        },
      } as const,
    ],
  });
  const args = ['-o', 'BatchMode=yes', `${account.name}@127.0.0.1`, 'id -un'];
  t.match(await (await rig(t, options(account.password))).answering([], args), {
    out: `${account.name}\n`,
    asked: [],
  });
  t.equal(refused, 0);
  t.match(await (await rig(t, options('wrong'))).answering([], args), {
    code: 255,
    err: /Permission denied/,
  });
  t.equal(refused, 1);
});

t.test('a password is asked for by the client itself, a challenge by the host', async (t) => {
  const { answering } = await rig(t, { knownHosts: known, destination: sshd.port });
  const who = `${account.name}@127.0.0.1`;
  const password = ['-o', 'PreferredAuthentications=password', who, 'id -un'];
  const first = await answering([account.password], password);
  t.match(first, { out: `${account.name}\n`, asked: [`${who}'s password: `] });
  const second = await answering(['wrong', account.password], password);
  t.match(second, { out: `${account.name}\n` });
  t.match(second.err, /Permission denied, please try again/);
  const third = await answering(
    [account.password],
    ['-o', 'PreferredAuthentications=keyboard-interactive', who, 'id -un'],
  );
  t.match(third, { out: `${account.name}\n`, asked: [/Password:/] });
  const fourth = await answering(['wrong', 'wrong', 'wrong'], password);
  t.match(fourth, { code: 255, err: /Permission denied \(publickey,password,keyboard-interactive\)/ });
});

t.test('a key that is not there, and one that the host does not take', async (t) => {
  const { ssh } = await rig(t, { knownHosts: known, destination: sshd.port });
  t.match(await ssh(['-o', 'BatchMode=yes', '-i', sshd.key, 'true']), {
    code: 255,
    err: /Permission denied/,
  });
  const other = newKey(t.testdir(), 'other', 'ed25519');
  const second = await rig(t, { knownHosts: known, destination: sshd.port, keys: [other] });
  t.match(await second.ssh(['-o', 'BatchMode=yes', 'true']), { code: 255, err: /Permission denied/ });
});

t.test('keys of every kind sign', async (t) => {
  const directory = t.testdir();
  const files = [
    newKey(directory, 'rsa', 'rsa', '2048'),
    ...['256', '384', '521'].map((bits) => newKey(directory, `ec${bits}`, 'ecdsa', bits)),
    newKey(directory, 'ed', 'ed25519'),
  ];
  const lines = [sshd.key, ...files].map((file) => publicKey(`${file}.pub`));
  writeFileSync(join(sshd.directory, 'authorized_keys'), `${lines.join('\n')}\n`);
  for (const file of files) {
    const { ssh } = await rig(t, { knownHosts: known, destination: sshd.port, keys: [file] });
    t.match(await ssh(['echo done']), { out: 'done\n' }, file);
  }
});

t.test('the passphrase of a key file is asked for', async (t) => {
  const file = newKey(t.testdir(), 'locked', 'ed25519');
  await run('ssh-keygen', ['-q', '-p', '-N', 'open sesame', '-f', file]);
  const authorized = join(sshd.directory, 'authorized_keys');
  writeFileSync(authorized, `${publicKey(`${file}.pub`)}\n`, { flag: 'a' });
  const { answering } = await rig(t, { knownHosts: known, destination: sshd.port, locked: file });
  const args = ['-o', `IdentityFile=${file}`, ROOT, 'echo in'];
  const opened = await answering(['wrong', 'open sesame'], args);
  t.match(opened, { out: 'in\n', code: 0 });
  t.equal(opened.asked.filter((prompt) => prompt.includes(`Enter passphrase for key '${file}': `)).length, 2);
  t.match(await answering(['', '', ''], args), { code: 255, err: /Permission denied/ });
});

t.test('a host that nobody knows is asked about, and kept as ssh keeps it', async (t) => {
  const options = { knownHosts: '', destination: sshd.port, keys: [sshd.key] };
  const one = await rig(t, options);
  const yes = await one.answering(['maybe', 'yes'], [ROOT, 'echo in']);
  t.match(yes, { out: 'in\n', code: 0, err: /Permanently added '\[db1\]:\d+' \(ED25519\)/ });
  t.match(yes.asked, [
    /continue connecting \(yes\/no\/\[fingerprint\]\)\? $/,
    /Please type 'yes', 'no' or the fingerprint: $/,
  ]);
  const print = printOf(join(sshd.directory, 'host_ed25519.pub'));
  const [line = ''] = one.remembered;
  t.equal(line.split(' ').slice(1).join(' '), sshd.hostKey);
  const [, , salt = '', hash] = line.split(' ')[0]?.split('|') ?? [];
  t.equal(createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64'), hash);
  const again = await rig(t, { ...options, knownHosts: line });
  t.match(await again.ssh(['echo known']), { out: 'known\n', code: 0 });
  const nobody = await rig(t, options);
  t.match(await nobody.ssh(['true']), { code: 255, err: /Host key verification failed\./ }, 'nobody to ask');
  await until(() => nobody.ends.length === 1, 'its end');
  t.match(nobody.ends, [{ reason: 'Host key verification failed.' }]);
  const two = await rig(t, options);
  t.match(await two.answering([print], [ROOT, 'echo in']), { out: 'in\n' }, 'the fingerprint will do');
  t.match(one.ends, [{ reason: null }]);
});

t.test('the question shows the fingerprint', async (t) => {
  const { ends, options, port } = await rig(t, { knownHosts: '', destination: sshd.port, keys: [sshd.key] });
  const shell = terminal('ssh', [...options, '-p', String(port), ROOT, 'true']);
  await shell.expect(/authenticity of host 'db1 \(127\.0\.0\.1\)' can't be established/);
  await shell.expect(/SHA256:\S+\w/);
  t.match(shell.shown(), printOf(join(sshd.directory, 'host_ed25519.pub')));
  await shell.expect(/continue connecting \(yes\/no\/\[fingerprint\]\)\? /);
  shell.type('no\r');
  await shell.expect(/Host key verification failed/);
  t.equal(await shell.exit(), 255);
  await until(() => ends.length === 1, 'the hop has ended');
  t.match(ends, [{ reason: 'Host key verification failed.' }]);
});

t.test("a line with Hopline's key, for clients that ask no program, says nothing of the host", async (t) => {
  const given = { destination: sshd.port, keys: [sshd.key] };
  const first = await rig(t, { ...given, knownHosts: `${name} OWN` });
  const answered = await first.answering(['yes'], [ROOT, 'echo in']);
  t.match(answered, { out: 'in\n', asked: [/continue connecting/] });
  const both = await rig(t, { ...given, knownHosts: `${name} OWN\n${known}` });
  t.match(await both.answering([], [ROOT, 'echo in']), { out: 'in\n', asked: [] });
});

t.test('who cannot be asked is not let in', async (t) => {
  const { ssh } = await rig(t, { knownHosts: '', destination: sshd.port, keys: [sshd.key] });
  t.match(await ssh(['-o', 'BatchMode=yes', 'true']), {
    code: 255,
    err: /Permission denied|verification failed/,
  });
});

t.test('DNS has the key: validated it is known by that, else the question says so', async (t) => {
  const print = createHash('sha256')
    .update(Buffer.from(sshd.hostKey.split(' ')[1] ?? '', 'base64'))
    .digest('hex');
  const records = [{ algorithm: 4, fingerprint: print }];
  const options = { knownHosts: '', destination: sshd.port, keys: [sshd.key] };
  const sure = await rig(t, { ...options, sshfp: { name: 'db1', authentic: true, records } });
  t.match(await sure.ssh(['-o', 'BatchMode=yes', 'echo in']), { out: 'in\n', code: 0 });
  t.same(sure.remembered, []);
  const asked = async (sshfp: SshfpRecords, words: RegExp) => {
    const { options: own, port } = await rig(t, { ...options, sshfp });
    const shell = terminal('ssh', [...own, '-p', String(port), ROOT, 'true']);
    await shell.expect(words);
    await shell.expect(/continue connecting \(yes\/no\/\[fingerprint\]\)\? /);
    shell.type('no\r');
    t.equal(await shell.exit(), 255);
  };
  await asked({ name: 'db1', authentic: false, records }, /\nMatching host key fingerprint found in DNS\./);
  const other = [{ algorithm: 4, fingerprint: 'ab'.repeat(32) }];
  await asked(
    { name: 'db1', authentic: true, records: other },
    /No matching host key fingerprint found in DNS\./,
  );
  const changed = await rig(t, {
    ...options,
    knownHosts: `${name} ${publicKey(`${newKey(t.testdir(), 'other', 'ed25519')}.pub`)}`,
    sshfp: { name: 'db1', authentic: true, records },
  });
  t.match(
    await changed.ssh(['true']),
    { code: 255, err: /HOST IDENTIFICATION HAS CHANGED/ },
    'a file that says otherwise',
  );
});

t.test('a key that has changed, or is revoked, is refused in the words of ssh', async (t) => {
  const other = publicKey(`${newKey(t.testdir(), 'other', 'ed25519')}.pub`);
  const changed = await rig(t, { knownHosts: `${name} ${other}`, destination: sshd.port, keys: [sshd.key] });
  t.match(await changed.ssh(['true']), {
    code: 255,
    err: /REMOTE HOST IDENTIFICATION HAS CHANGED[\s\S]*Offending ED25519 key in ~\/.ssh\/known_hosts:1[\s\S]*Host key verification failed/,
  });
  const revoked = await rig(t, {
    knownHosts: `${known}\n@revoked * ${sshd.hostKey}`,
    destination: sshd.port,
    keys: [sshd.key],
  });
  t.match(await revoked.ssh(['true']), {
    code: 255,
    err: /REVOKED HOST KEY DETECTED[\s\S]*verification failed/,
  });
});

t.test('a host that has several keys is asked for the one that is known', async (t) => {
  const rsa = publicKey(join(sshd.directory, 'host_rsa.pub'));
  const { ssh } = await rig(t, { knownHosts: `${name} ${rsa}`, destination: sshd.port, keys: [sshd.key] });
  t.match(await ssh(['echo in']), { out: 'in\n', code: 0 });
});

t.test('a host with a certificate', async (t) => {
  const directory = t.testdir();
  const ca = newKey(directory, 'ca', 'ed25519');
  for (const type of ['ed25519', 'rsa']) {
    const key = newKey(directory, `certified_${type}`, type);
    const certificate = certify(ca, key, 'host', '-h', '-n', 'db1');
    using certified = await startSshd([`HostCertificate ${certificate}`, `HostKey ${key}`]);
    const { ssh } = await rig(t, {
      knownHosts: `@cert-authority [db1]:* ${publicKey(`${ca}.pub`)}`,
      destination: certified.port,
      keys: [certified.key],
    });
    t.match(await ssh(['echo in']), { out: 'in\n', code: 0 }, type);
  }
});

t.test('a host that is not reached', async (t) => {
  const { ssh, ends } = await rig(t, {
    ...{ knownHosts: known, destination: sshd.port },
    unreachable: '10.0.0.5 port 22: connect ECONNREFUSED',
  });
  t.match(await ssh(['true']), {
    code: 255,
    err: /Hopline: not reached: 10\.0\.0\.5 port 22: connect ECONNREFUSED/,
  });
  await until(() => ends.length === 1, 'the hop has ended');
  t.match(ends, [{ reason: /^not reached: / }]);
});

t.test('a host that is none, one that closes, and one that has nothing in common', async (t) => {
  const serving = async (greet: (socket: Socket) => void): Promise<number> => {
    const server = createServer(greet).listen(0, '127.0.0.1');
    t.teardown(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    return (server.address() as AddressInfo).port;
  };
  const http = await serving((socket) => socket.end('x'.repeat(20_000)));
  const none = await rig(t, { knownHosts: '', destination: http });
  t.match(await none.ssh(['true']), {
    code: 255,
    err: /Hopline: the host: not understood: a line that is too long/,
  });
  const closing = await serving((socket) => socket.end());
  const closed = await rig(t, { knownHosts: '', destination: closing });
  t.match(await closed.ssh(['true']), { code: 255, err: /Hopline: the host closed the connection/ });
  const silent = await serving(() => {});
  const slow = await rig(t, { knownHosts: '', destination: silent, greetingMs: 500 });
  t.match(await slow.ssh(['true']), {
    code: 255,
    err: /Hopline: 127\.0\.0\.1 port \d+ did not finish the key exchange within 0\.5 s/,
  });
  using old = await startSshd(
    ['KexAlgorithms diffie-hellman-group14-sha1', 'HostKeyAlgorithms ssh-rsa'],
    ['rsa'],
  );
  const options = { knownHosts: `[db1]:${old.port} ${old.hostKey}`, destination: old.port, keys: [old.key] };
  const strict = await rig(t, options);
  t.match(await strict.ssh(['true']), { code: 255, err: /no matching key exchange method found/ });
  const weak = await rig(t, options);
  const ran = await weak.ssh([
    '-oKexAlgorithms=+diffie-hellman-group14-sha1',
    '-oHostKeyAlgorithms=+ssh-rsa',
    'echo in',
  ]);
  t.match(ran, { out: 'in\n' }, 'who asks for what is weak gets it, as without Hopline');
});

t.test('ciphers, MACs and compression that the client asks for', async (t) => {
  const { ssh } = await rig(t, { knownHosts: known, destination: sshd.port, keys: [sshd.key] });
  for (const options of [
    ['-c', 'aes128-gcm@openssh.com'],
    ['-c', 'aes256-ctr', '-m', 'hmac-sha2-512'],
    ['-C'],
    ['-c', 'chacha20-poly1305@openssh.com', '-C'],
  ])
    t.match(
      await ssh([...options, 'head -c 300000 /dev/zero | tr "\\0" x | wc -c']),
      { out: '300000\n' },
      options.join(' '),
    );
});

t.test('a client that goes away while the host is asked for', async (t) => {
  const { port, ends, clients, upstreams } = await rig(t, { knownHosts: '', destination: sshd.port });
  const socket = connect(port, '127.0.0.1');
  socket.write('SSH-2.0-gone\r\n');
  await until(() => clients.size === 1, 'it is there');
  socket.destroy();
  await until(() => ends.length === 1 && clients.size === 0 && upstreams.size === 0, 'nothing is left of it');
});

t.test('who does not log in in time is let go, who has stays', async (t) => {
  const { ssh, port, ends } = await rig(t, {
    ...{ knownHosts: known, destination: sshd.port, loginMs: 6000 },
    keys: [sshd.key],
  });
  const idle = await rawClient(port, false);
  t.match(await ssh(['sleep 8; echo still']), { out: 'still\n', code: 0 });
  t.match(idle.said[0], /nobody logged in in time/);
  await until(() => ends.length === 2, 'both have ended');
  t.match(new Set(ends.map(({ reason }) => reason)), new Set(['nobody logged in in time', null]));
});
