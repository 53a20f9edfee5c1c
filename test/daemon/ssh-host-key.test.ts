import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SshHostKey } from '../../src/daemon/ssh-host-key.ts';
import { publicKeyFrom, verifies } from '../../src/protocols/ssh/keys/public-key.ts';

t.test('made once, and there for everybody to know', async (t) => {
  const [state, run] = [t.testdir({ run: {} }), join(t.testdirName, 'run')];
  const first = new SshHostKey(state, run);
  const again = new SshHostKey(state, run);
  t.equal(first.line, again.line);
  const path = join(state, 'keys/ssh_host_ed25519_key');
  t.equal(statSync(path).mode & 0o777, 0o600);
  const shown = join(run, 'ssh_host_ed25519_key.pub');
  t.equal(readFileSync(shown, 'utf8'), `${first.line}\n`);
  t.equal(readFileSync(`${path}.pub`, 'utf8'), `${first.line}\n`);
  t.match(execFileSync('ssh-keygen', ['-lf', shown], { encoding: 'utf8' }), /^256 SHA256:\S+ .*\(ED25519\)/);
});

t.test('it signs hashes of key exchanges, and nothing else', async (t) => {
  const key = new SshHostKey(t.testdir());
  const hash = createHash('sha256').update('exchange').digest();
  t.equal(verifies(publicKeyFrom(key.publicKey), 'ssh-ed25519', hash, key.sign(hash)), true);
  for (const length of [0, 19, 65, 1000]) t.throws(() => key.sign(Buffer.alloc(length)), /no hash/);
});

t.test('another key in its place is refused', async (t) => {
  const state = t.testdir({ keys: {} });
  const path = join(state, 'keys/ssh_host_ed25519_key');
  writeFileSync(path, execFileSync('openssl', ['genpkey', '-algorithm', 'x25519']));
  t.throws(() => new SshHostKey(state), /is no Ed25519 key/);
});
