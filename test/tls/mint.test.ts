/** Certificates by name: which names get one, how long it is good, and that clients take it. */
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openAuthority } from '../../src/tls/ca.ts';
import { Mint, MintError, type MintRequest } from '../../src/tls/mint.ts';
import { canonicalName } from '../../src/tls/names.ts';
import { Random } from '../core/random.ts';
import { authority, directory, run } from './support.ts';

const SECOND = 1_000_000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;

t.test('OpenSSL accepts it for its names, and for no other', async (t) => {
  const { directory: path, mint } = await authority(t);
  const { certificate } = await mint.mint({
    names: ['orders-db', 'db.example.com', '10.0.3.5', 'fd00:3::5'],
  });
  const leaf = join(path, 'leaf.crt');
  writeFileSync(leaf, certificate);
  const verify = (...args: string[]) =>
    run('openssl', [
      'verify',
      '-x509_strict',
      '-purpose',
      'sslserver',
      '-CAfile',
      join(path, 'ca.crt'),
      ...args,
      leaf,
    ]);
  const good = [
    ['-verify_hostname', 'orders-db'],
    ['-verify_hostname', 'db.example.com'],
    ['-verify_hostname', 'DB.Example.COM'],
    ['-verify_ip', '10.0.3.5'],
    ['-verify_ip', 'fd00:3:0::5'],
  ];
  for (const args of good) t.match(await verify(...args), { code: 0, output: /OK/ }, args.join(' '));
  const bad = [
    ['-verify_hostname', 'payroll-db'],
    ['-verify_hostname', 'x.db.example.com'],
    ['-verify_hostname', '10.0.3.5'],
    ['-verify_ip', '10.0.3.6'],
    ['-verify_ip', 'fd00:3::6'],
    ['-purpose', 'sslclient'],
  ];
  for (const args of bad) t.not((await verify(...args)).code, 0, args.join(' '));
  const { output } = await run('openssl', ['x509', '-noout', '-text', '-in', leaf]);
  t.match(output, /CA:FALSE/);
  t.match(output, /Extended Key Usage:\s+TLS Web Server Authentication/);
  t.match(output, /IP Address:10.0.3.5/);
  t.match(output, /IP Address:FD00:3:0:0:0:0:0:5/);
  t.equal(certificate.match(/BEGIN CERTIFICATE/g)?.length, 2, 'the server’s and the authority’s');
});

t.test('a name too long for a common name', async (t) => {
  const { directory: path, mint } = await authority(t);
  const name = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`;
  writeFileSync(join(path, 'leaf.crt'), (await mint.mint({ names: [name] })).certificate);
  const args = ['verify', '-x509_strict', '-CAfile', join(path, 'ca.crt'), '-verify_hostname', name];
  t.match(await run('openssl', [...args, join(path, 'leaf.crt')]), { code: 0 });
});

t.test('renewed before the last day', async (t) => {
  let now = Date.now() * 1000;
  const opened = await openAuthority({ directory: directory(t), host: 'h', now: () => now });
  const mint = new Mint({ authority: opened, now: () => now });
  const ask = () => mint.mint({ names: ['db1'] });
  const first = await ask();
  const { validFromDate, validToDate } = new X509Certificate(first.certificate);
  const near = (date: Date, expected: number) => t.ok(Math.abs(date.getTime() * 1000 - expected) <= SECOND);
  near(validFromDate, now - HOUR);
  near(validToDate, now + 7 * DAY);
  now += 6 * DAY - HOUR;
  t.equal(await ask(), first, 'a day and an hour before the end: the same');
  now += HOUR;
  const second = await ask();
  t.not(second, first, 'a day before the end: another');
  t.equal(second.key, first.key, 'with the same key');
  t.not(
    new X509Certificate(second.certificate).serialNumber,
    new X509Certificate(first.certificate).serialNumber,
  );
  t.equal(mint.made, 2);
});

t.test('nothing outlives the authority', async (t) => {
  let now = Date.now() * 1000;
  const opened = await openAuthority({ directory: directory(t), host: 'h', now: () => now });
  const mint = new Mint({ authority: opened, now: () => now });
  now = opened.notAfter - 12 * HOUR;
  const last = await mint.mint({ names: ['db1'] });
  t.equal(new X509Certificate(last.certificate).validToDate.getTime() * 1000, opened.notAfter);
  now += HOUR;
  t.equal(await mint.mint({ names: ['db1'] }), last, 'there is none later');
  now = opened.notAfter;
  await t.rejects(mint.mint({ names: ['db1'] }), { code: 'expired' });
});

t.test('kept by name, in any order and spelling, and only so many', async (t) => {
  const { authority: opened } = await authority(t);
  const mint = new Mint({ authority: opened, limit: 3 });
  const one = await mint.mint({ names: ['DB1.', '10.0.0.1', 'db1'] });
  t.equal(await mint.mint({ names: ['::ffff:10.0.0.1', 'db1'] }), one);
  for (const name of ['db2', 'db3']) await mint.mint({ names: [name] });
  t.equal(await mint.mint({ names: ['10.0.0.1', 'db1'] }), one, 'just used');
  await mint.mint({ names: ['db4'] });
  t.equal(mint.held, 3);
  t.equal(mint.made, 4);
  t.equal(await mint.mint({ names: ['10.0.0.1', 'db1'] }), one, 'the least recently used went');
  await mint.mint({ names: ['db2'] });
  t.equal(mint.made, 5);
});

t.test('many at once for one name are one certificate', async (t) => {
  const { mint } = await authority(t);
  const all = await Promise.all(Array.from({ length: 50 }, () => mint.mint({ names: ['db1'] })));
  t.equal(new Set(all.map(({ certificate }) => certificate)).size, 1);
  t.equal(mint.made, 1);
});

t.test('names that get a certificate', async (t) => {
  const cases: [string, 'dns' | 'ip', string][] = [
    ['orders-db', 'dns', 'orders-db'],
    ['localhost', 'dns', 'localhost'],
    ['My_Service.Internal', 'dns', 'my_service.internal'],
    ['_db._tcp.example', 'dns', '_db._tcp.example'],
    ['db.example.com.', 'dns', 'db.example.com'],
    ['bücher.example', 'dns', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'dns', 'xn--bcher-kva.example'],
    ['XN--BCHER-KVA.example', 'dns', 'xn--bcher-kva.example'],
    ['ｅｘａｍｐｌｅ。com', 'dns', 'example.com'],
    ['r3---sn-abc.example', 'dns', 'r3---sn-abc.example'],
    ['3com.example', 'dns', '3com.example'],
    ['1.2.3.4.in-addr.arpa', 'dns', '1.2.3.4.in-addr.arpa'],
    ['10.0.3.5', 'ip', '10.0.3.5'],
    ['fd00:0003:0::5', 'ip', 'fd00:3::5'],
    ['::ffff:10.0.3.5', 'ip', '10.0.3.5'],
    ['::FFFF:0a00:0305', 'ip', '10.0.3.5'],
    ['::1', 'ip', '::1'],
    [`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`, 'dns', ''],
  ];
  for (const [text, type, value] of cases) t.same(canonicalName(text), { type, value: value || text }, text);
});

t.test('names that get none', async (t) => {
  const hostile = [
    ...['', '.', '..', 'a..b', '.a', 'a..', ' ', 'a b', 'a\tb', 'a\nb', 'a\0b', '\0', 'a\x7fb', '\x1b[2J'],
    ...['*', '*.example.com', 'a*.example.com', 'db.*', '-a.b', 'a-.b', 'a.-', '-'],
    ...[
      'a/b',
      'a@b',
      'a:b',
      'db1:5432',
      'http://db1',
      'a?b',
      'a#b',
      'a%2eb',
      'a,b',
      'a=b',
      "a'b",
      'a"b',
      'a\\b',
    ],
    ...['DNS:db1', 'db1,DNS:bank.example', 'IP:10.0.0.1', 'CN=db1', '$x', '$(id)', '../../etc/passwd'],
    ...[
      '127.1',
      '0x7f.1',
      '0x7f000001',
      '2130706433',
      '10.0.0',
      '10.0.0.256',
      '1.2.3.4.5',
      '010.0.0.1',
      '1.2.3.4.',
    ],
    ...[
      '１２７.０.０.１',
      '127。0。0。1',
      '[::1]',
      '[::1',
      '::1]',
      'fe80::1%eth0',
      '::g',
      ':::',
      '1:2:3:4:5:6:7:8:9',
    ],
    ...[
      'a\u202eb',
      'a\u200bb\u0000',
      '\ud800',
      'a\uffffb',
      'xn--',
      'xn--a',
      'xn--zz--zz',
      'xn--u-ccb',
      'a.xn--0000h',
    ],
    ...[
      'a'.repeat(64),
      `${'a'.repeat(64)}.b`,
      'a.'.repeat(128),
      'a'.repeat(255),
      'x'.repeat(1 << 20),
      'ü'.repeat(64),
    ],
  ];
  for (const text of hostile) {
    const shown = JSON.stringify(text.slice(0, 40));
    t.throws(() => canonicalName(text), { name: 'MintError', code: 'name' }, shown);
    try {
      canonicalName(text);
    } catch (error) {
      const { message } = error as MintError;
      if (message.length > 300 || /[^ -~…\p{L}\p{S}\p{P}\p{N}]/u.test(message))
        t.fail(`${shown}: ${message}`);
    }
  }
});

t.test('random bytes as a name never do more than be refused', async (t) => {
  const random = new Random(7);
  let good = 0;
  for (let n = 0; n < 20_000; n += 1) {
    const text = Buffer.from(random.bytes(random.below(20))).toString(random.pick(['latin1', 'utf8']));
    try {
      const { value, type } = canonicalName(text);
      good += 1;
      if (!/^[a-z0-9_.:-]{1,253}$/.test(value)) t.fail(`${JSON.stringify(text)} became ${value}`);
      t.strictSame(canonicalName(value), { type, value });
    } catch (error) {
      if (!(error instanceof MintError)) throw error;
    }
  }
  t.ok(good > 100, `${good} were names`);
});

t.test('requests that are none', async (t) => {
  const { mint } = await authority(t);
  const requests: unknown[] = [
    null,
    undefined,
    'db1',
    {},
    { names: null },
    { names: 'db1' },
    { names: [] },
    { names: [1] },
    { names: [null] },
    { names: [['db1']] },
    { names: { length: 1, 0: 'db1' } },
    { names: Array(17).fill('db1') },
  ];
  for (const request of requests)
    await t.rejects(mint.mint(request as MintRequest), { code: 'request' }, JSON.stringify(request));
  await t.rejects(mint.mint({ names: ['db1', '*'] }), { code: 'name' });
  t.equal(mint.made, 0);
});
