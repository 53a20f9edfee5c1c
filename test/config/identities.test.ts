import t from 'tap';
import { files, load, places, problemsOf } from './directory.ts';

const KEY = `SHA256:${'a'.repeat(43)}`;
const CA = `SHA256:${'b'.repeat(43)}`;
const CASES: readonly [string, readonly string[], RegExp][] = [
  ['users:\n  alice: {keys: [abc]}', ['2:18 users.alice.keys.0'], /no SHA256 fingerprint/],
  [
    'users:\n  alice: {keys: ["ssh-ed25519 AAAAC3Nz"]}',
    ['2:18 users.alice.keys.0'],
    /is a key, not its fingerprint/,
  ],
  [`users:\n  alice: {keys: ["MD5:aa:bb"]}`, ['2:18 users.alice.keys.0'], /no SHA256 fingerprint/],
  [
    `users:\n  alice: {certificates: [{ca: "${CA}"}]}`,
    ['2:26 users.alice.certificates.0'],
    /every certificate/,
  ],
  ['users:\n  alice: {certificates: [{keyId: a}]}', ['2:26 users.alice.certificates.0.ca'], /is missing/],
  [
    `users:\n  alice: {certificates: [{ca: "${CA}", keyid: a}]}`,
    ['2:85 users.alice.certificates.0.keyid'],
    /unknown key/,
  ],
  [
    'users:\n  alice: {accounts: [{name: a, trust: true}]}',
    ['2:32 users.alice.accounts.0.trust'],
    /unknown key/,
  ],
  [
    'users:\n  alice: {accounts: [{trust_account: true}]}',
    ['2:22 users.alice.accounts.0.name'],
    /is missing/,
  ],
  [
    'users:\n  alice: {accounts: [{name: a, trust_account: "yes"}]}',
    ['2:47 users.alice.accounts.0.trust_account'],
    /wrong type/,
  ],
  ['users:\n  alice: {accounts: ["a b"]}', ['2:22 users.alice.accounts.0'], /not allowed/],
  ['users:\n  alice: {accounts: [a, a]}', ['2:25 users.alice.accounts.1'], /twice/],
  ['users:\n  alice: {groups: [unattended]}', ['2:20 users.alice.groups.0'], /no person started/],
  ['users:\n  "account:alice": {}', ['2:3 users.account:alice'], /not allowed/],
  ['users:\n  unattributed: {}', ['2:3 users.unattributed'], /own name/],
  ['usres: {}', ['1:1 usres'], /unknown key/],
  [
    `users:\n  alice:\n    keys: ["${KEY}"]\n  bob:\n    keys:\n      - "${KEY}="`,
    ['6:9 users.bob.keys.0'],
    /is claimed by "alice" already \(.*identities\.yaml:3:12\)/,
  ],
  [
    `users:\n  alice:\n    keys: ["${KEY}", "${KEY}"]`,
    ['3:66 users.alice.keys.1'],
    /stands here twice \(first in line 3\)/,
  ],
  [
    `users:\n  alice: {certificates: [{ca: "${CA}", keyId: x}]}\n  bob: {certificates: [{ca: "${CA}", keyId: x}]}`,
    ['3:24 users.bob.certificates.0'],
    /key id "x" is claimed by "alice" already/,
  ],
  [
    'users:\n  alice: {accounts: [{name: k, trust_account: true}]}\n  bob: {accounts: [{name: k, trust_account: true}]}',
    ['3:20 users.bob.accounts.0'],
    /trusted account k is claimed by "alice"/,
  ],
];

t.test('each mistake in identities.yaml', async (t) => {
  for (const [yaml, expected, message] of CASES) {
    const directory = t.testdir(files({ 'identities.yaml': yaml }));
    const problems = problemsOf(() => load(directory));
    t.strictSame(
      places(problems),
      expected.map((place) => `identities.yaml:${place}`),
      yaml,
    );
    t.match(problems[0]?.message, message, yaml);
    t.ok(problems[0]?.hint ?? problems[0]?.expected, yaml);
  }
});

t.test('a shared account, the same key id of two CAs, no users', async (t) => {
  const yaml = `users:
  alice: {accounts: [ops], certificates: [{ca: "${CA}", keyId: x}]}
  bob: {accounts: [ops], certificates: [{ca: "${KEY}", keyId: x}, {ca: "${CA}", principal: x}]}
  eve@example.com:
`;
  t.equal(load(t.testdir(files({ 'identities.yaml': yaml }))).identities.length, 3);
  t.equal(load(t.testdir(files({ 'identities.yaml': 'users:\n' }))).identities.length, 0);
});
