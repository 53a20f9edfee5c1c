/** The authority's two files: made once, loaded afterwards, and refused where somebody else had a hand in them. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import t from 'tap';
import { CaError, openAuthority } from '../../src/tls/ca.ts';
import { directory, run } from './support.ts';

const YEAR = 365 * 86_400_000_000;
const host = 'bastion1';

t.test('made once, loaded afterwards', async (t) => {
  const path = join(directory(t), 'not', 'there', 'yet');
  const made = await openAuthority({ directory: path, host });
  t.equal(made.created, true);
  t.equal(made.name, 'Hopline CA on bastion1');
  t.same(readdirSync(path).sort(), ['ca.crt', 'ca.key'], 'and nothing temporary');
  t.equal(statSync(join(path, 'ca.key')).mode & 0o777, 0o600);
  t.equal(statSync(join(path, 'ca.crt')).mode & 0o777, 0o644);
  const loaded = await openAuthority({ directory: path, host: 'another' });
  t.equal(loaded.created, false);
  t.equal(loaded.fingerprint, made.fingerprint);
  t.equal(loaded.certificate, readFileSync(join(path, 'ca.crt'), 'utf8'));
  const years = (made.notAfter - Date.now() * 1000) / YEAR;
  t.ok(years > 9.9 && years < 10.1, `${years} years`);
});

t.test('what OpenSSL sees in it', async (t) => {
  const path = directory(t);
  await openAuthority({ directory: path, host });
  const certificate = join(path, 'ca.crt');
  const { output } = await run('openssl', ['x509', '-noout', '-text', '-in', certificate]);
  t.match(output, /Subject: CN = Hopline CA on bastion1/);
  t.match(output, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
  t.match(output, /Key Usage: critical\s+Certificate Sign, CRL Sign/);
  t.match(output, /ASN1 OID: prime256v1/);
  t.match(output, /ecdsa-with-SHA256/);
  const verify = ['verify', '-x509_strict', '-CAfile', certificate, certificate];
  t.match(await run('openssl', verify), { code: 0, output: /OK/ });
});

t.test('two that start at once agree', async (t) => {
  const path = directory(t);
  const all = await Promise.all(Array.from({ length: 8 }, () => openAuthority({ directory: path, host })));
  t.equal(new Set(all.map(({ fingerprint }) => fingerprint)).size, 1);
  t.equal(all.filter(({ created }) => created).length, 1);
  t.same(readdirSync(path).sort(), ['ca.crt', 'ca.key']);
});

t.test('a crash between the two files is mended', async (t) => {
  const path = directory(t);
  await openAuthority({ directory: path, host });
  const key = readFileSync(join(path, 'ca.key'));
  rmSync(join(path, 'ca.crt'));
  t.equal((await openAuthority({ directory: path, host })).created, false);
  t.same(readFileSync(join(path, 'ca.key')), key);
});

t.test('a host name of any length, and of any characters', async (t) => {
  for (const name of ['x'.repeat(300), 'a,CN=b+O=c\n"\\', 'größe']) {
    const { name: shown } = await openAuthority({ directory: directory(t), host: name });
    t.equal(shown, `Hopline CA on ${name}`.slice(0, 64));
  }
});

t.test('the key is nowhere to be seen', async (t) => {
  const path = directory(t);
  const made = await openAuthority({ directory: path, host });
  const secret = readFileSync(join(path, 'ca.key'), 'utf8').split('\n')[1] ?? 'none';
  t.notMatch(inspect(made, { depth: 9, showHidden: true }), secret);
  t.notMatch(JSON.stringify(made), /PRIVATE|"d"/);
});

t.test('refused', async (t) => {
  const KEY = 'ca.key';
  const CRT = 'ca.crt';
  const cases: [what: string, code: string, spoil: (path: string) => unknown][] = [
    ['a key that its group may read', 'permissions', (path) => chmodSync(join(path, KEY), 0o640)],
    ['a key that all may read', 'permissions', (path) => chmodSync(join(path, KEY), 0o604)],
    ['a certificate that all may write', 'permissions', (path) => chmodSync(join(path, CRT), 0o666)],
    ['a directory that all may write to', 'permissions', (path) => chmodSync(path, 0o777)],
    ['a key of another user', 'permissions', (path) => chownSync(join(path, KEY), 65_534, 0)],
    ['a directory of another user', 'permissions', (path) => chownSync(path, 65_534, 0)],
    [
      'a key that is a link',
      'permissions',
      (path) => {
        renameSync(join(path, KEY), join(path, 'elsewhere'));
        symlinkSync(join(path, 'elsewhere'), join(path, KEY));
      },
    ],
    [
      'a key that is a directory',
      'permissions',
      (path) => {
        rmSync(join(path, KEY));
        mkdirSync(join(path, KEY));
      },
    ],
    ['a certificate without its key', 'incomplete', (path) => rmSync(join(path, KEY))],
    ['an empty key', 'unreadable', (path) => writeFileSync(join(path, KEY), '')],
    ['a key of something else', 'unreadable', (path) => writeFileSync(join(path, KEY), 'geheim')],
    ['a key of megabytes', 'unreadable', (path) => writeFileSync(join(path, KEY), 'x'.repeat(1 << 20))],
    ['a certificate of nothing', 'unreadable', (path) => writeFileSync(join(path, CRT), '')],
    ['a certificate of half', 'unreadable', (path) => halve(join(path, CRT))],
    [
      'the certificate of another',
      'mismatch',
      async (path) => {
        const other = directory(t);
        await openAuthority({ directory: other, host });
        writeFileSync(join(path, CRT), readFileSync(join(other, CRT)));
      },
    ],
  ];
  for (const [what, code, spoil] of cases) {
    const path = directory(t);
    await openAuthority({ directory: path, host });
    await spoil(path);
    const error = await openAuthority({ directory: path, host }).catch((error: unknown) => error);
    t.ok(error instanceof CaError, what);
    t.match(error, { code, message: path }, what);
    t.notMatch(String(error), /geheim|BEGIN/, what);
  }
});

t.test('an authority that has ended', async (t) => {
  const path = directory(t);
  await openAuthority({ directory: path, host });
  const later = () => Date.now() * 1000 + 11 * YEAR;
  await t.rejects(openAuthority({ directory: path, host, now: later }), { code: 'expired' });
});

t.test('RSA and other curves are not for it', async (t) => {
  for (const args of [
    ['genrsa', '-traditional', '2048'],
    ['ecparam', '-name', 'secp384r1', '-genkey', '-noout'],
  ]) {
    const path = directory(t);
    writeFileSync(join(path, 'ca.key'), (await run('openssl', args)).output, { mode: 0o600 });
    await t.rejects(openAuthority({ directory: path, host }), { code: 'unreadable' });
  }
});

t.test('a key of Debian’s openssl', async (t) => {
  const path = directory(t);
  const { output } = await run('openssl', ['ecparam', '-name', 'prime256v1', '-genkey', '-noout']);
  writeFileSync(join(path, 'ca.key'), output, { mode: 0o600 });
  t.equal((await openAuthority({ directory: path, host })).name, 'Hopline CA on bastion1');
});

function halve(path: string): void {
  const text = readFileSync(path, 'latin1');
  writeFileSync(path, text.slice(0, text.length / 2));
}
