import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { brokerFor } from '../../src/broker/serve.ts';
import { WireWriter } from '../../src/core/ssh-wire.ts';
import { publicKeyFrom, signatureAlgorithms, verifies } from '../../src/protocols/ssh/keys/public-key.ts';
import { blobOf, newKey, publicKey } from '../identity/keys.ts';
import { run } from '../protocols/ssh/rig.ts';
import { until } from '../until.ts';

const address = '10.0.0.5';
const blob = (file: string) => blobOf(publicKey(`${file}.pub`));
const login = (key: Buffer, algorithm: string, method = 'publickey') =>
  new WireWriter()
    .string(Buffer.alloc(32, 1))
    .byte(50)
    .string('alice')
    .string('ssh-connection')
    .string(method)
    .boolean(true)
    .string(algorithm)
    .string(key)
    .bytes();

function home(t: Test): string {
  const directory = mkdtempSync('/tmp/hl-home-');
  t.teardown(() => rmSync(directory, { recursive: true }));
  mkdirSync(join(directory, '.ssh'));
  return directory;
}

async function agentOf(t: Test, directory: string, ...keys: string[]): Promise<string> {
  const path = join(directory, 'agent');
  const child = spawn('ssh-agent', ['-D', '-a', path], { stdio: 'ignore' });
  t.teardown(() => child.kill());
  const env = { SSH_AUTH_SOCK: path };
  for (const key of keys)
    await until(
      async () => (await run('ssh-add', ['-q', key], null, env)).code === 0,
      'the agent has the key',
    );
  return path;
}

t.test('keys of files and of an agent sign requests to log in', async (t) => {
  const directory = home(t);
  const ssh = join(directory, '.ssh');
  const cases: [string, string[]][] = [
    ['ed25519', []],
    ['rsa', ['2048']],
    ['ecdsa', ['384']],
  ];
  const files = cases.map(([type, [bits]]) => newKey(ssh, `id_${type}`, type, bits));
  const other = newKey(directory, 'held', 'rsa', '2048');
  const agent = await agentOf(t, directory, other);
  const broker = brokerFor({ home: directory, agent, identities: [] });
  for (const file of [...files, other]) {
    const key = blob(file);
    const name = file === other ? 'agent' : `key file ${file.split('/').at(-1)}`;
    t.strictSame(await broker['ssh.signer']({ key: key.toString('base64'), address }), {
      name,
      locked: null,
    });
    const type = publicKey(`${file}.pub`).split(' ')[0] ?? '';
    for (const algorithm of signatureAlgorithms(type)) {
      const data = login(key, algorithm);
      const asked = { key: key.toString('base64'), algorithm, data: data.toString('base64'), address };
      const { signature } = await broker['ssh.sign'](asked);
      t.equal(
        verifies(publicKeyFrom(key), algorithm, data, Buffer.from(signature, 'base64')),
        true,
        `${name} ${algorithm}`,
      );
    }
  }
});

t.test('nothing else is signed', async (t) => {
  const directory = home(t);
  const file = newKey(join(directory, '.ssh'), 'id_ed25519', 'ed25519');
  const broker = brokerFor({ home: directory, agent: null, identities: [] });
  const key = blob(file);
  const another = blob(newKey(directory, 'another', 'ed25519'));
  const wrong = [
    Buffer.from('anything'),
    Buffer.concat([Buffer.from('SSHSIG'), Buffer.alloc(100)]),
    login(another, 'ssh-ed25519'),
    login(key, 'ssh-ed25519', 'hostbased'),
    Buffer.concat([login(key, 'ssh-ed25519'), Buffer.of(0)]),
  ];
  for (const data of wrong)
    await t.rejects(
      broker['ssh.sign']({
        key: key.toString('base64'),
        algorithm: 'ssh-ed25519',
        data: data.toString('base64'),
        address,
      }),
      /only a request to log in/,
    );
});

t.test('keys that are not to be had', async (t) => {
  const directory = home(t);
  const file = newKey(join(directory, '.ssh'), 'id_ed25519', 'ed25519');
  const broker = brokerFor({ home: directory, agent: join(directory, 'none'), identities: [] });
  const key = { key: blob(file).toString('base64'), address };
  chmodSync(file, 0o644);
  t.strictSame(await broker['ssh.signer'](key), { name: null, locked: null }, 'others can read it');
  chmodSync(file, 0o600);
  t.strictSame(await broker['ssh.signer'](key), { name: 'key file id_ed25519', locked: null });
  await run('ssh-keygen', ['-q', '-p', '-N', 'secret', '-f', file]);
  for (const [format, options] of Object.entries({
    OpenSSH: [],
    PEM: ['-m', 'PEM', '-t', 'rsa', '-b', '2048'],
  })) {
    const path = join(directory, '.ssh', `id_rsa_${format}`);
    const made = options.length === 0 ? file : path;
    if (made === path) await run('ssh-keygen', ['-q', ...options, '-N', 'secret', '-f', path]);
    const asked = { key: blob(made).toString('base64'), address };
    t.strictSame(
      await broker['ssh.signer'](asked),
      { name: null, locked: made },
      `${format}: it is encrypted`,
    );
    const passphrase = (text: string) => Buffer.from(text).toString('base64');
    t.match(await broker['ssh.unlock']({ ...asked, passphrase: passphrase('wrong') }), {
      name: null,
      locked: made,
    });
    t.match(await broker['ssh.unlock']({ ...asked, passphrase: passphrase('secret') }), {
      name: /^key file/,
      locked: null,
    });
    t.match(await broker['ssh.signer'](asked), { name: /^key file/ }, 'and stays open');
  }
  const elsewhere = newKey(directory, 'elsewhere', 'ed25519');
  const asked = { key: blob(elsewhere).toString('base64'), address };
  t.strictSame(await broker['ssh.signer'](asked), { name: null, locked: null });
  const named = brokerFor({ home: directory, agent: null, identities: [elsewhere] });
  t.strictSame(await named['ssh.signer'](asked), { name: 'key file elsewhere', locked: null });
});

t.test('known_hosts', async (t) => {
  const directory = home(t);
  rmSync(join(directory, '.ssh'), { recursive: true });
  const broker = brokerFor({ home: directory, agent: null, identities: [] });
  t.equal(
    (await broker['ssh.remember']({ line: 'db1 ssh-ed25519 AAAA', address })).path,
    '~/.ssh/known_hosts',
  );
  const path = join(directory, '.ssh/known_hosts');
  writeFileSync(path, 'without a newline', { flag: 'a' });
  await broker['ssh.remember']({ line: 'db2 ssh-ed25519 BBBB', address });
  t.equal(readFileSync(path, 'utf8'), 'db1 ssh-ed25519 AAAA\nwithout a newline\ndb2 ssh-ed25519 BBBB\n');
  const { files, names } = await broker['ssh.known-hosts']({ address: '127.0.0.1' });
  t.match(files[0], { path: '~/.ssh/known_hosts', text: /^db1 / });
  t.ok(names.includes('localhost'), 'names of /etc/hosts');
  await t.rejects(broker['ssh.remember']({ line: 'a\nb', address }), /one line/);
});

t.test(
  'without a home on this host: the system’s known_hosts alone, no keys, and nothing is written',
  async (t) => {
    const key = blob(newKey(home(t), 'elsewhere', 'ed25519')).toString('base64');
    const broker = brokerFor({ home: null, agent: null, identities: [] });
    const { files } = await broker['ssh.known-hosts']({ address });
    t.ok(files.every(({ path }) => path.startsWith('/etc/ssh/')));
    t.strictSame(await broker['ssh.signer']({ key, address }), { name: null, locked: null });
    await t.rejects(
      broker['ssh.remember']({ line: 'host key', address }),
      /in a container has no known_hosts/,
    );
  },
);
