import t from 'tap';
import { files, load, places, problemsOf } from './directory.ts';

const head = 'targets:\n';
const CASES: readonly [string, readonly string[], RegExp][] = [
  ['  db: {ports: [1]}', ['2:3 targets.db.addresses'], /is missing/],
  ['  db:\n    addresses: []\n    ports: [1]', ['3:16 targets.db.addresses'], /is empty/],
  ['  db:\n    addresses: [10.0.0.1]\n    ports: []', ['4:12 targets.db.ports'], /is empty/],
  ['  db: {addresses: [10.0.0.300], ports: [1]}', ['2:20 targets.db.addresses.0'], /no IP address/],
  ['  db: {addresses: [10.77], ports: [1]}', ['2:20 targets.db.addresses.0'], /wrong type/],
  ['  db: {addresses: [10.0.0.1/33], ports: [1]}', ['2:20 targets.db.addresses.0'], /prefix length/],
  ['  db: {addresses: [10.0.0.1], ports: [0]}', ['2:39 targets.db.ports.0'], /out of range/],
  ['  db: {addresses: [10.0.0.1], ports: [65536]}', ['2:39 targets.db.ports.0'], /out of range/],
  ['  db: {addresses: [10.0.0.1], ports: [1.5]}', ['2:39 targets.db.ports.0'], /wrong type/],
  ['  db: {addresses: [10.0.0.1], ports: 22}', ['2:38 targets.db.ports'], /wrong type/],
  ['  db: {addresses: [10.0.0.1], ports: [1], mode: deny}', ['2:49 targets.db.mode'], /not a value/],
  ['  db: {addresses: [10.0.0.1], ports: [1], tag: [a]}', ['2:43 targets.db.tag'], /unknown key/],
  [
    '  db: {addresses: [10.0.0.1], ports: [1], protocol: Postgres!}',
    ['2:53 targets.db.protocol'],
    /not allowed/,
  ],
  ['  db: {addresses: [10.0.0.1], ports: [1], tags: ["a b"]}', ['2:50 targets.db.tags.0'], /not allowed/],
  ['  db: {addresses: [10.0.0.1], ports: [1], tags: [a, a]}', ['2:53 targets.db.tags.1'], /twice/],
  [
    '  db: {addresses: [10.0.0.1], ports: [1], tags: [unlisted]}',
    ['2:50 targets.db.tags.0'],
    /no target lists/,
  ],
  ['  db:', ['2:3 targets.db.addresses', '2:3 targets.db.ports'], /is missing/],
  ['  "a b": {addresses: [10.0.0.1], ports: [1]}', ['2:3 targets.a b'], /not allowed/],
  ['  Loopback: {addresses: [10.0.0.1], ports: [1]}', ['2:3 targets.Loopback'], /what no target lists/],
  [
    '  db: {addresses: [10.0.0.1], ports: [1]}\n  DB: {addresses: [10.0.0.2], ports: [1]}',
    ['3:3 targets.DB'],
    /"db" \(line 2\) only in case/,
  ],
  [
    '  u: {addresses: [10.0.0.1], ports: [1], transport: udp, mode: inspect}',
    ['2:6 targets.u'],
    /UDP cannot be inspected/,
  ],
  ['  u: {addresses: [10.0.0.1], ports: [443], transport: udp}', ['2:6 targets.u'], /QUIC/],
  [
    '  a: {addresses: [10.0.0.1], ports: [22], certificate: true}',
    ['2:6 targets.a'],
    /certificates are issued for SSH/,
  ],
  ['  a: {addresses: [10.0.0.1], ports: [22], sshfp: true}', ['2:6 targets.a'], /reached by SSH/],
  [
    '  a: {addresses: [10.0.0.1], ports: [22], protocol: ssh, certificate: {accounts: []}}',
    ['2:82 targets.a.certificate.accounts'],
    /is empty/,
  ],
  ['  a: {addresses: [10.0.0.1, "::ffff:10.0.0.1"], ports: [1]}', ['2:29 targets.a.addresses.1'], /twice/],
  ['  a: {addresses: [10.0.0.1], ports: [1, 2, 1]}', ['2:44 targets.a.ports.2'], /twice/],
  [
    '  a: {addresses: [10.0.0.0/8, 10.1.0.1], ports: [1, 2]}\n  b:\n    addresses:\n      - 10.1.0.0/16\n      - "::ffff:10.1.0.1"\n    ports: [2, 3]',
    ['6:9 targets.b.addresses.1'],
    /10\.1\.0\.1\/32 port 2\/tcp belongs to "a" already \(line 2\)/,
  ],
];

t.test('whom certificates are issued for', async (t) => {
  const of = (certificate: string) =>
    load(
      t.testdir(
        files({
          'targets.yaml': `${head}  a: {addresses: [10.0.0.1], ports: [22], protocol: ssh${certificate}}`,
        }),
      ),
    ).certificates;
  t.same(of(''), {});
  t.same(of(', certificate: true'), { a: [] });
  t.same(of(', certificate: {accounts: [app, deploy]}'), { a: ['app', 'deploy'] });
});

t.test('each mistake in targets.yaml', async (t) => {
  for (const [yaml, expected, message] of CASES) {
    const directory = t.testdir(files({ 'targets.yaml': head + yaml }));
    const problems = problemsOf(() => load(directory));
    t.strictSame(
      places(problems),
      expected.map((place) => `targets.yaml:${place}`),
      yaml,
    );
    t.match(problems[0]?.message, message, yaml);
  }
});

t.test('nested prefixes, other ports and other transports are no overlap', async (t) => {
  const yaml = `${head}  a: {addresses: [10.0.0.0/8], ports: [53]}
  b: {addresses: [10.0.0.0/16], ports: [53]}
  c: {addresses: [10.0.0.0/8], ports: [54]}
  d: {addresses: [10.0.0.0/8], ports: [53], transport: udp}`;
  t.equal(load(t.testdir(files({ 'targets.yaml': yaml }))).targets.length, 4);
});

t.test('a protocol that no room speaks is a warning, where the rooms are known', async (t) => {
  const directory = t.testdir(
    files({ 'targets.yaml': `${head}  a: {addresses: [10.0.0.1], ports: [1], protocol: postgers}` }),
  );
  t.equal(load(directory).warnings.length, 0);
  const { warnings } = load(directory, { protocols: ['postgres', 'tcp'] });
  t.strictSame(places(warnings), ['targets.yaml:2:52 targets.a.protocol']);
  t.match(warnings[0], { hint: 'did you mean "postgres"?' });
});

t.test('two thousand targets', async (t) => {
  const lines = Array.from(
    { length: 2_000 },
    (_, n) => `  t${n}: {addresses: [10.${n >> 8}.${n & 255}.1], ports: [22]}`,
  );
  const directory = t.testdir(files({ 'targets.yaml': head + lines.join('\n') }));
  t.equal(load(directory).targets.length, 2_000);
});
