import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { files, load, places, problemsOf } from './directory.ts';

const VAULTS = `vaults:
  main: {address: "https://vault.example:8200", token_file: token, namespace: team/db, timeout: 2s}
targets:
`;
const DB = 'addresses: [10.0.0.1], ports: [5432], protocol: postgres';
const one = (credential: string, more = '') =>
  `${VAULTS}  db:\n    credential: ${credential}\n    ${DB.replaceAll(', ', '\n    ').replace('[5432]', more === 'ports' ? '[5432, 5433]' : '[5432]')}\n${more === 'ports' ? '' : more}`;

const VERIFIED = '    tls: {mode: verify-full}\n';
const RDS = 'orders.abc.eu-central-1.rds.amazonaws.com';

t.test('what a target is logged in to with', async (t) => {
  const directory = t.testdir(files());
  for (const name of ['token', 'pw']) writeFileSync(join(directory, name), 'x', { mode: 0o600 });
  const loaded = (yaml: string) => {
    writeFileSync(join(directory, 'targets.yaml'), yaml);
    const { credentials, targets, warnings } = load(directory);
    t.strictSame(places(warnings), [], yaml);
    t.notOk('credential' in (targets[0] ?? {}), 'workers get the target, and not this');
    return credentials.db;
  };
  const by = (name: string) => ({ by: 'settings', name });
  t.strictSame(loaded(one('{file: pw, user: app}')), [
    { user: by('app'), groups: [], source: { kind: 'file', path: join(directory, 'pw') } },
  ]);
  t.match(loaded(one('{file: "/x/{user}", user: "*"}')), [
    { user: { by: 'client' }, source: { path: '/x/{user}' } },
  ]);
  t.match(loaded(one('{systemd: orders-db, user: app}')), [
    { source: { kind: 'systemd', name: 'orders-db' } },
  ]);
  t.match(loaded(one('{environment: ORDERS, user: app}')), [
    { source: { kind: 'environment', name: 'ORDERS' } },
  ]);
  const vault = {
    ...{ address: 'https://vault.example:8200', tokenFile: join(directory, 'token'), namespace: 'team/db' },
    ...{ ca: null, timeoutMs: 2000, plaintext: false },
  };
  const kv = { kind: 'vault-kv', vault, mount: 'secret', path: 'orders/db', passwordField: 'password' };
  t.strictSame(loaded(one('{vault: main, kv: orders/db}')), [
    { user: { by: 'source' }, groups: [], source: { ...kv, userField: 'username' } },
  ]);
  t.strictSame(loaded(one('{vault: main, kv: orders/db, mount: team/kv, field: pw, user: app}')), [
    {
      ...{ user: by('app'), groups: [] },
      source: { ...kv, mount: 'team/kv', passwordField: 'pw', userField: null },
    },
  ]);
  t.match(loaded(one('{vault: main, kv: "orders/{user}", user: "*"}')), [{ user: { by: 'client' } }]);
  t.strictSame(loaded(one('{vault: main, database: ro}')), [
    {
      user: { by: 'source' },
      groups: [],
      source: { kind: 'vault-database', vault, mount: 'database', role: 'ro' },
    },
  ]);
  t.strictSame(loaded(one(`{rds: ${RDS}, user: "*"}`, VERIFIED)), [
    {
      ...{ user: { by: 'client' }, groups: [] },
      source: { kind: 'rds', host: RDS, port: 5432, region: 'eu-central-1', keys: { kind: 'instance' } },
    },
  ]);
  const keys = 'keys: {id: AKIAIOSFODNN7EXAMPLE, file: pw}';
  t.match(loaded(one(`{rds: db.internal, region: us-east-1, port: 5433, user: app, ${keys}}`, VERIFIED)), [
    {
      source: {
        port: 5433,
        keys: { kind: 'static', id: 'AKIAIOSFODNN7EXAMPLE', secretFile: join(directory, 'pw') },
      },
    },
  ]);
  const list = '[{file: pw, user: admin, groups: [dba]}, {file: pw, user: app}]';
  t.match(loaded(one(list)), [
    { user: by('admin'), groups: ['dba'] },
    { user: by('app'), groups: [] },
  ]);
});

const CASES: readonly [string, readonly string[], RegExp][] = [
  [one('{user: app}'), ['5:17 targets.db.credential'], /where the password comes from/],
  [one(''), ['5:5 targets.db.credential'], /where the password comes from/],
  [one('{file: pw, systemd: x, user: app}'), ['5:17 targets.db.credential'], /two sources, file and systemd/],
  [one('{file: pw}'), ['5:17 targets.db.credential'], /whose password/],
  [one('{file: pw, user: "*"}'), ['5:17 targets.db.credential'], /same password to every user/],
  [one('{file: "{user}", user: app}'), ['5:17 targets.db.credential'], /whoever the client asks for/],
  [one('{systemd: pw, user: "*"}'), ['5:17 targets.db.credential'], /one password/],
  [one('{environment: A-B, user: app}'), ['5:31 targets.db.credential.environment'], /not allowed/],
  [
    one('{file: pw, user: app, kv: x}'),
    ['5:17 targets.db.credential'],
    /kv says nothing of a credential from file/,
  ],
  [one('{file: pw, user: app, grups: [a]}'), ['5:39 targets.db.credential.grups'], /unknown key/],
  [one('{file: pw, user: app, groups: []}'), ['5:47 targets.db.credential.groups'], /is empty/],
  [one('[]'), ['5:17 targets.db.credential'], /is empty/],
  [one('[{file: pw, user: a}, {file: pw}]'), ['5:39 targets.db.credential.1'], /whose password/],
  [one('{vault: main}'), ['5:17 targets.db.credential'], /what Vault is asked for/],
  [one('{vault: main, kv: a, database: b}'), ['5:17 targets.db.credential'], /two things/],
  [one('{vault: main, kv: ../a}'), ['5:35 targets.db.credential.kv'], /not allowed/],
  [one('{vault: main, kv: a, user: b, user_field: c}'), ['5:17 targets.db.credential'], /user twice/],
  [one('{vault: main, database: b, user: c}'), ['5:17 targets.db.credential'], /Vault makes the user/],
  [one('{vault: mian, kv: a}'), ['5:25 targets.db.credential.vault'], /no Vault of this name/],
  [one(`{rds: ${RDS}, user: app}`), ['5:17 targets.db.credential'], /has to be verified/],
  [
    one('{rds: db.internal, user: app}', VERIFIED),
    ['5:17 targets.db.credential'],
    /region is not in the name/,
  ],
  [
    one('{rds: db.internal, region: us-east-1, keys: {id: AKIAIOSFODNN7EXAMPLE}, user: app}', VERIFIED),
    ['5:55 targets.db.credential.keys.file'],
    /is missing/,
  ],
  [one('{file: pw, user: app}', '    mode: direct\n'), ['5:17 targets.db.credential'], /never redirected/],
  [
    `targets:\n  db: {addresses: [10.0.0.1], ports: [80], protocol: tcp, credential: {file: pw, user: app}}`,
    ['2:71 targets.db.credential'],
    /in which Hopline logs in/,
  ],
  ['vaults:\n  v: {address: vault, token_file: t}', ['2:16 vaults.v.address'], /not allowed/],
  ['vaults:\n  v: {address: "http://10.0.0.1:8200", token_file: t}', ['2:6 vaults.v'], /without TLS/],
  ['vaults:\n  v: {address: "https://v:99999", token_file: t}', ['2:6 vaults.v'], /no URL/],
  ['vaults:\n  v: {address: "https://v", token_file: t, ca: nothing}', ['2:48 vaults.v.ca'], /cannot read/],
  ['vaults:\n  v: {address: "https://v"}', ['2:3 vaults.v.token_file'], /is missing/],
];

t.test('each mistake', async (t) => {
  for (const [yaml, expected, message] of CASES) {
    const directory = t.testdir(files({ 'targets.yaml': yaml }));
    const problems = problemsOf(() => load(directory));
    t.strictSame(
      places(problems),
      expected.map((place) => `targets.yaml:${place}`),
      yaml,
    );
    t.match(problems[0]?.message, message, yaml);
  }
  const wrong = 'vaults:\n  v: {address: x, token_file: t}\ntargets:\n  db: {vault: 1}';
  t.equal(problemsOf(() => load(t.testdir(files({ 'targets.yaml': wrong })))).length, 4);
  const told = `vaults:\n  main: {address: x, token_file: t}\n${one('{vault: main, kv: a}').slice(VAULTS.length - 'targets:\n'.length)}`;
  t.equal(problemsOf(() => load(t.testdir(files({ 'targets.yaml': told })))).length, 1, 'once');
});

t.test('a token may go in clear where nobody sees it', async (t) => {
  for (const vault of [
    '"http://127.0.0.1:8200"',
    '"http://[::1]:1"',
    '"http://localhost"',
    '"http://v:1", plaintext: true',
  ])
    t.doesNotThrow(() => {
      load(t.testdir(files({ 'targets.yaml': `vaults:\n  v: {address: ${vault}, token_file: t}` })));
    }, vault);
});

t.test('a file that would not be used is a warning, with what mends it', async (t) => {
  const directory = t.testdir(files({ 'targets.yaml': one('{file: pw, user: app}') }));
  const warned = () => load(directory).warnings;
  const [token, pw] = [join(directory, 'token'), join(directory, 'pw')];
  t.strictSame(places(warned()), [
    'targets.yaml:2:61 vaults.main.token_file',
    'targets.yaml:5:24 targets.db.credential.file',
  ]);
  t.match(warned()[1], { message: /no such file/, got: pw, hint: /install -m 600/ });
  writeFileSync(token, 't', { mode: 0o640 });
  writeFileSync(pw, 'p', { mode: 0o640 });
  t.match(warned(), [{ got: `${pw}, mode 0640`, message: /others may read/, hint: /chmod 600/ }]);
  chmodSync(pw, 0o600);
  chmodSync(token, 0o644);
  t.match(warned(), [{ got: /token, mode 0644/, expected: 'mode 0640 or 0600' }]);
  chmodSync(token, 0o600);
  symlinkSync(pw, join(directory, 'link'));
  writeFileSync(join(directory, 'targets.yaml'), one('{file: link, user: app}'));
  t.match(warned(), [{ message: /symbolic link/ }]);
  writeFileSync(join(directory, 'targets.yaml'), one('{file: policies, user: app}'));
  t.match(warned(), [{ message: /is not a file/ }]);
});

t.test('what the shipped example says can be written so', async (t) => {
  const shipped = readFileSync(new URL('../../systemd/etc/targets.yaml', import.meta.url), 'utf8');
  const examples = [...shipped.matchAll(/^# {3}(\{.*?\})(?: |$)/gm)].map(([, example = '']) => example);
  t.equal(examples.length, 6);
  for (const example of examples) {
    const written = example.replace('NAME.REGION', 'orders.abc.eu-central-1');
    t.doesNotThrow(() => void load(t.testdir(files({ 'targets.yaml': one(written, VERIFIED) }))), example);
  }
  const uncommented = shipped
    .split('\n')
    .filter((line) => /^# ?(vaults:| {2,3}main:)|^# {2}/.test(line) && !/^# {3}\{/.test(line))
    .map((line) => line.replace(/^# (?=vaults| {2}main)|^#/, ''))
    .join('\n');
  const [vaults = '', targets = ''] = uncommented.split(/(?=^ {2}orders-db:)/m);
  t.match(
    Object.keys(load(t.testdir(files({ 'targets.yaml': `${vaults}targets:\n${targets}` }))).credentials),
    ['orders-db'],
  );
});
