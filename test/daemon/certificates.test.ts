import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Certificates } from '../../src/daemon/certificates.ts';

const faults: string[] = [];
const log = { error: ({ error }: { error: string }) => void faults.push(error) } as never;

t.test('the authority is there for clients before the first of them connects', async (t) => {
  const home = t.testdir({ run: {} });
  const made = new Certificates({
    directory: join(home, 'ca'),
    host: 'bastion',
    publicDirectory: join(home, 'run'),
  });
  await made.publish(log);
  const file = join(home, 'run', 'ca.crt');
  const certificate = readFileSync(file, 'utf8');
  t.ok(new X509Certificate(certificate).ca);
  t.equal(statSync(join(home, 'ca', 'ca.key')).mode & 0o777, 0o600);
  const signed = await made.mint(['db1.lab']);
  t.ok(signed.certificate.endsWith(certificate), 'it is the one that signs');

  // What /run loses at each boot.
  rmSync(file);
  await made.publish(log);
  t.equal(readFileSync(file, 'utf8'), certificate, 'the same one again');
});

t.test('files that are no authority are told of', async (t) => {
  const home = t.testdir({ run: {}, ca: {} });
  const directory = join(home, 'ca');
  writeFileSync(join(directory, 'ca.key'), 'no key', { mode: 0o600 });
  const made = new Certificates({ directory, host: 'bastion', publicDirectory: join(home, 'run') });
  await made.publish(log);
  t.match(faults, [/^CaError: .*ca\.key is not an ECDSA P-256 private key/]);
  t.notOk(existsSync(join(home, 'run', 'ca.crt')));
});
