import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type CertificateTerms, issue } from '../../src/authority/certificate.ts';
import { readKeyId, writeKeyId } from '../../src/core/key-id.ts';
import { parseCertificate } from '../../src/protocols/ssh/keys/certificate.ts';
import { blobOf, keyType, signWith } from '../../src/protocols/ssh/keys/public-key.ts';
import { rig } from '../protocols/ssh/rig.ts';
import { startSshd } from '../protocols/ssh/sshd.ts';

const authorities: Record<string, KeyObject> = {
  ed25519: generateKeyPairSync('ed25519').privateKey,
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ecdsa: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
};
const line = (key: KeyObject) => `${keyType(blobOf(key))} ${blobOf(key).toString('base64')}`;
const now = Math.floor(Date.now() / 1000);
const KEY_ID = writeKeyId({ identity: 'alice', host: 'bastion1', hop: 'CR6BY1JW8V81' });
const terms = (change: Partial<CertificateTerms> = {}): CertificateTerms => ({
  ...{ principal: 'root', keyId: KEY_ID, serial: 7n, now, lifetime: 60, sourceAddress: null },
  ...change,
});

t.test('ssh-keygen reads it', async (t) => {
  for (const [name, authority] of Object.entries(authorities)) {
    const { certificate } = issue(authority, terms({ sourceAddress: '10.0.0.0/8' }));
    const file = join(t.testdir(), 'cert.pub');
    writeFileSync(file, `ssh-ed25519-cert-v01@openssh.com ${certificate.toString('base64')}\n`);
    const shown = execFileSync('ssh-keygen', ['-Lf', file], { encoding: 'utf8' });
    t.match(shown, /Key ID: "hopline:v1:bastion1:CR6BY1JW8V81:alice"\n\s+Serial: 7\n/, name);
    t.match(shown, /Principals:\s+root\n\s+Critical Options:\s+source-address 10\.0\.0\.0\/8\n/);
    t.match(shown, /permit-pty/);
    t.match(parseCertificate(certificate), { kind: 1, keyId: KEY_ID, principals: ['root'] });
  }
});

async function login(
  t: Test,
  authority: KeyObject,
  change: Partial<CertificateTerms> = {},
  trusted = authority,
) {
  const directory = t.testdir();
  writeFileSync(join(directory, 'ca.pub'), `${line(trusted)}\n`);
  using sshd = await startSshd([`TrustedUserCAKeys ${directory}/ca.pub`, 'AuthorizedKeysFile none']);
  const { key, certificate } = issue(authority, terms(change));
  const { ssh, recorded } = await rig(t, {
    ...{ knownHosts: `[db1]:${sshd.port} ${sshd.hostKey}`, destination: sshd.port },
    held: [
      {
        type: 'key',
        signer: {
          name: 'certificate',
          publicKey: certificate,
          sign: async (algorithm, data) => signWith(key, algorithm, data),
        },
      },
    ],
  });
  const ran = await ssh(['-o', 'BatchMode=yes', 'echo in']);
  return { ...ran, log: sshd.log(), recorded };
}

for (const [name, authority] of Object.entries(authorities))
  t.test(`a real sshd takes it, and says who it was: ${name}`, async (t) => {
    const { out, log, recorded } = await login(t, authority);
    t.equal(out, 'in\n', log);
    t.match(log, /Accepted publickey for root .* ID hopline:v1:bastion1:CR6BY1JW8V81:alice \(serial 7\) CA/);
    t.match(recorded, [{ detail: { authentication: 'certificate' } }]);
  });

t.test('and does not take', async (t) => {
  const { ed25519 } = authorities as { ed25519: KeyObject };
  const refused = { out: '', code: 255, err: /Permission denied/ };
  t.match(await login(t, ed25519, { principal: 'other' }), refused, 'another account');
  t.match(await login(t, ed25519, { now: now - 7200 }), refused, 'what has expired');
  t.match(await login(t, ed25519, { now: now + 7200 }), refused, 'what is not valid yet');
  t.match(await login(t, ed25519, { sourceAddress: '10.1.2.3/32' }), refused, 'one from elsewhere');
  t.match(
    await login(t, ed25519, {}, generateKeyPairSync('ed25519').privateKey),
    refused,
    'another authority',
  );
});

t.test('terms that no certificate should have', async (t) => {
  const { ed25519 } = authorities as { ed25519: KeyObject };
  t.throws(() => issue(ed25519, terms({ principal: '' })), /for one account/);
  t.throws(() => issue(ed25519, terms({ lifetime: 0 })), /no time/);
  t.throws(() => issue(ed25519, terms({ keyId: 'x'.repeat(2000) })), /too long/);
  t.throws(() => writeKeyId({ identity: 'a', host: 'a b', hop: 'c' }));
  t.throws(() => writeKeyId({ identity: 'a\n', host: 'b', hop: 'c' }));
  t.equal(readKeyId('alice@laptop'), null);
  t.strictSame(readKeyId(KEY_ID), { identity: 'alice', host: 'bastion1', hop: 'CR6BY1JW8V81' });
});
