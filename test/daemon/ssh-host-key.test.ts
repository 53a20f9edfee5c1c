import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SshHostKey } from '../../src/daemon/ssh-host-key.ts';
import { publicKeyFrom, verifies } from '../../src/protocols/ssh/keys/public-key.ts';

t.test('made once, and there for everybody to know', async (t) => {
  const [state, run] = [t.testdir({ run: {} }), join(t.testdirName, 'run')];
  const umask = process.umask(0o077);
  const first = new SshHostKey(state, run);
  const again = new SshHostKey(state, run);
  process.umask(umask);
  t.equal(first.line, again.line);
  const path = join(state, 'keys/ssh_host_ecdsa_key');
  t.equal(statSync(path).mode & 0o777, 0o600);
  const shown = join(run, 'ssh_host_ecdsa_key.pub');
  t.ok(readFileSync(shown, 'utf8').startsWith(`${first.line} SHA256:`));
  t.equal(statSync(shown).mode & 0o777, 0o644, 'as the unit has it: with a umask of 077');
  t.match(execFileSync('ssh-keygen', ['-lf', shown], { encoding: 'utf8' }), /^521 SHA256:\S+ .*\(ECDSA\)/);
});

t.test('it signs hashes of key exchanges, and nothing else', async (t) => {
  const key = new SshHostKey(t.testdir());
  const hash = createHash('sha256').update('exchange').digest();
  // The halves of a signature are as long as they are: leading zeros and signs come up by chance.
  for (let n = 0; n < 40; n += 1)
    t.equal(verifies(publicKeyFrom(key.publicKey), 'ecdsa-sha2-nistp521', hash, key.sign(hash)), true);
  for (const length of [0, 19, 65, 1000]) t.throws(() => key.sign(Buffer.alloc(length)), /no hash/);
});

t.test('another key in its place is refused', async (t) => {
  const state = t.testdir({ keys: {} });
  const path = join(state, 'keys/ssh_host_ecdsa_key');
  writeFileSync(path, execFileSync('openssl', ['genpkey', '-algorithm', 'x25519']));
  t.throws(() => new SshHostKey(state), /is no key of ecdsa-sha2-nistp521/);
});
