/** The authority's keys: made once, told before they are used, never half there. */
import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { SshCa } from '../../src/authority/ssh-ca.ts';
import { readKeyId } from '../../src/core/key-id.ts';
import { parseCertificate } from '../../src/protocols/ssh/keys/certificate.ts';
import { blobOf } from '../../src/protocols/ssh/keys/public-key.ts';

const id = { identity: 'alice', host: 'bastion1', hop: 'C1' };
const subject = () => blobOf(generateKeyPairSync('ed25519').privateKey);

t.test('made when it is asked for, the same afterwards, nobody else’s to read', async (t) => {
  const state = t.testdir();
  const ca = new SshCa(state);
  t.same(readdirSync(state), []);
  const [key, ...more] = ca.keys();
  t.match(key, { line: /^ssh-ed25519 AAAA/, fingerprint: /^SHA256:/, use: 'signs' });
  t.same(more, []);
  t.same(new SshCa(state).keys(), [key]);
  t.equal(statSync(join(state, 'keys/ssh_ca_ed25519_key')).mode & 0o777, 0o600);
  t.equal(statSync(join(state, 'keys')).mode & 0o777, 0o700);
});

t.test('a certificate: for one account, two minutes, with who and which hop', async (t) => {
  const ca = new SshCa(t.testdir());
  const [made, other] = [ca.certify(subject(), 'app', id), ca.certify(subject(), 'app', id)];
  const read = parseCertificate(made.certificate);
  t.same(read.principals, ['app']);
  t.equal(read.serial, made.serial);
  t.not(made.serial, other.serial);
  t.same(readKeyId(read.keyId), id);
  t.equal(Number(read.validBefore - read.validAfter), 180, 'with a minute for clocks that differ');
  t.equal(`ssh-ed25519 ${read.signatureKey.toString('base64')}`, ca.keys()[0]?.line);
  t.throws(() => ca.certify(subject(), '', id), /for one account/);
});

t.test('the next key signs when it is told to, and not before', async (t) => {
  const state = t.testdir();
  const ca = new SshCa(state);
  const signs = () =>
    `ssh-ed25519 ${parseCertificate(ca.certify(subject(), 'app', id).certificate).signatureKey.toString('base64')}`;
  t.throws(() => ca.use(), /there is no next key/);
  const [first] = ca.keys();
  const [same, next] = ca.prepare();
  t.same(same, first);
  t.match(next, { use: 'next' });
  t.throws(() => ca.prepare(), /there is a next key/);
  t.equal(signs(), first?.line);
  const used = ca.use();
  t.same(used, [{ ...next, use: 'signs' }]);
  t.equal(signs(), next?.line);
  t.same(new SshCa(state).keys(), used, 'after a restart as well');
});

t.test('a file that is none is not replaced', async (t) => {
  const state = t.testdir({ keys: {} });
  const path = join(state, 'keys/ssh_ca_ed25519_key');
  writeFileSync(path, 'nothing');
  t.throws(() => new SshCa(state).keys(), new RegExp(`${path} is no Ed25519 key`));
});
