import t from 'tap';
import type { Evidence } from '../../src/core/types.ts';
import { readAuthInfo } from '../../src/identity/auth-info.ts';
import { broughtBy, identify, type KnownUser, resolveIdentity } from '../../src/identity/resolve.ts';
import { certify, newKey, printOf, publicKey } from './keys.ts';

const user = (name: string, rest: Partial<KnownUser> = {}): KnownUser => ({
  name,
  groups: [`${name}-group`],
  accounts: [],
  keys: [],
  certificates: [],
  ...rest,
});

t.test('SSH_AUTH_INFO_0, strongest evidence first', async (t) => {
  const directory = t.testdir();
  const ca = newKey(directory, 'ca', 'ed25519');
  const key = newKey(directory, 'key', 'ed25519');
  const certificate = certify(ca, key, 'alice@example.com', '-n', 'alice', '-z', '9');
  const print = printOf(`${key}.pub`);
  const plain = publicKey(`${key}.pub`);
  const certified = publicKey(certificate);
  t.strictSame(readAuthInfo(`publickey ${plain}\n`, 'pam'), [
    { method: 'publickey', fingerprint: print, keyType: 'ssh-ed25519', source: 'pam' },
  ]);
  t.strictSame(
    readAuthInfo(`password\npublickey ${plain}\nkeyboard-interactive/pam\npublickey ${certified}`, 'pam'),
    [
      {
        method: 'certificate',
        fingerprint: print,
        keyType: 'ssh-ed25519-cert-v01@openssh.com',
        serial: '9',
        keyId: 'alice@example.com',
        principals: ['alice'],
        ca: printOf(`${ca}.pub`),
        source: 'pam',
      },
      { method: 'publickey', fingerprint: print, keyType: 'ssh-ed25519', source: 'pam' },
      { method: 'keyboard-interactive', source: 'pam' },
      { method: 'password', source: 'pam' },
    ],
  );
  const unread = { method: 'publickey', source: 'pam' } as const;
  const hostile: readonly [string, readonly Evidence[]][] = [
    ['', []],
    ['\n\n  \n', []],
    ['publickey', [unread]],
    ['publickey ssh-ed25519', [unread]],
    ['publickey ssh-ed25519 !!!!', [unread]],
    [`publickey ssh-rsa ${plain.split(' ')[1]}`, [unread]],
    [`publickey ${plain.slice(0, -4)}`, [unread]],
    ['gssapi-with-mic alice@EXAMPLE', [{ method: 'other', source: 'pam' }]],
    [`publickey ssh-ed25519 ${'A'.repeat(500_000)}`, []],
    [
      'password\n'.repeat(100_000),
      Array.from({ length: 16 }, () => ({ method: 'password', source: 'pam' }) as const),
    ],
    ['\0\u001b[2J', [{ method: 'other', source: 'pam' }]],
  ];
  for (const [text, expected] of hostile)
    t.strictSame(readAuthInfo(text, 'pam'), expected, JSON.stringify(text.slice(0, 40)));
});

const CA = `SHA256:${'c'.repeat(43)}`;
const KEY = `SHA256:${'k'.repeat(43)}`;
const alice = user('alice', {
  accounts: [{ name: 'alice', trusted: false }],
  keys: [KEY],
  certificates: [{ ca: CA, keyId: 'alice@example.com', principal: null }],
});
const bob = user('bob', {
  accounts: [
    { name: 'bob', trusted: false },
    { name: 'kiosk', trusted: true },
  ],
  certificates: [{ ca: CA, keyId: null, principal: 'bob' }],
});
const carol = user('carol', { certificates: [{ ca: CA, keyId: 'carol', principal: 'ops' }] });
const everyone = [alice, bob, carol];

const key = (fingerprint: string, source: Evidence['source'] = 'pam'): Evidence => ({
  method: 'publickey',
  fingerprint,
  source,
});
const cert = (keyId: string, principals: string[] = [], ca = CA, fingerprint = 'SHA256:other'): Evidence => ({
  method: 'certificate',
  fingerprint,
  keyId,
  principals,
  ca,
  source: 'pam',
});
const password: Evidence = { method: 'password', source: 'pam' };

const CASES: readonly [string, string, Evidence | readonly Evidence[], string, boolean][] = [
  ['a key', 'alice', key(KEY), 'alice', true],
  ['a key on a shared account', 'bob', key(KEY), 'alice', true],
  ['an unknown key', 'alice', key('SHA256:x'), 'alice', false],
  ['a key that could not be read', 'alice', { method: 'publickey', source: 'pam' }, 'alice', false],
  ['a key that the environment claims', 'mallory', key(KEY, 'environ'), 'mallory', false],
  ['a password', 'alice', password, 'alice', false],
  ['a key id', 'root', cert('alice@example.com'), 'alice', true],
  ['the key id of another CA', 'root', cert('alice@example.com', [], 'SHA256:z'), 'root', false],
  ['a key id in other case', 'root', cert('Alice@example.com'), 'root', false],
  ['a principal', 'root', cert('x', ['ops', 'bob']), 'bob', true],
  ['a principal on nobody', 'root', cert('x', ['ops']), 'root', false],
  ['a key id before a principal', 'root', cert('alice@example.com', ['bob']), 'alice', true],
  ['key id and principal both', 'root', cert('carol', ['ops']), 'carol', true],
  ['key id without its principal', 'root', cert('carol', ['x']), 'root', false],
  ['a known key in an unknown certificate', 'root', cert('x', [], 'SHA256:z', KEY), 'alice', true],
  ['a certificate before a key', 'root', [key(KEY), cert('x', ['bob'])], 'bob', true],
  ['a key beside a password', 'root', [password, key(KEY)], 'alice', true],
  ['a trusted account', 'kiosk', password, 'bob', true],
  ['a trusted account with an unknown key', 'kiosk', key('SHA256:x'), 'bob', true],
  ['a trusted account with the key of another', 'kiosk', key(KEY), 'alice', true],
  ['no evidence at all', 'alice', [], 'alice', false],
  [
    'the fingerprint of a key by password',
    'root',
    { ...cert('alice@example.com'), method: 'password' },
    'root',
    false,
  ],
];

t.test('who that is', async (t) => {
  for (const [what, account, evidence, name, verified] of CASES) {
    const groups = verified ? [`${name}-group`] : [];
    t.match(resolveIdentity(everyone, { account, evidence }), { name, verified, groups }, what);
  }
});

t.test('evidence that names two people names nobody', async (t) => {
  const dave = user('dave', {
    certificates: [{ ca: CA, keyId: null, principal: 'ops' }],
    accounts: [{ name: 'kiosk2', trusted: true }],
  });
  const evidence = cert('x', ['bob', 'ops']);
  t.match(resolveIdentity([...everyone, dave], { account: 'kiosk2', evidence }), {
    name: 'kiosk2',
    verified: false,
    groups: [],
  });
});

t.test('the evidence that counted is kept', async (t) => {
  t.strictSame(
    resolveIdentity(everyone, { account: 'x', evidence: [password, key(KEY)] }).evidence,
    key(KEY),
  );
  t.strictSame(identify(everyone, [], 'alice', null).identity, {
    name: 'alice',
    groups: [],
    verified: false,
    evidence: { method: 'account', source: 'pam' },
  });
  t.match(identify(everyone, [], 'kiosk', 'password\n'), {
    identity: { name: 'bob', verified: true, evidence: password },
    link: null,
  });
});

t.test('who comes by the hop of a peer', async (t) => {
  const CA = 'SHA256:peer';
  const HOP = 'CR6CGPN97F01';
  const peers = [{ host: 'bastion1', ca: CA }];
  const evidence = (keyId: string, ca = CA) => ({ ...cert(keyId, ['ops']), ca });
  const arrive = (keyId: string, ca?: string) => broughtBy(peers, evidence(keyId, ca));
  t.same(arrive(`hopline:v1:bastion1:${HOP}:bob`), { identity: 'bob', host: 'bastion1', hop: HOP });
  t.equal(
    arrive(`hopline:v1:bastion1:${HOP}:bob`, 'SHA256:another'),
    null,
    'of an authority that is no peer’s',
  );
  t.equal(arrive(`hopline:v1:bastion9:${HOP}:bob`), null, 'in the name of another host');
  t.equal(arrive('hopline:v1:bastion1:no hop:bob'), null);
  t.equal(arrive('hopline:v1:bastion1:§:bob'), null, 'with a hop that is none');
  t.equal(arrive('bob'), null, 'with a key id of its own');
  t.equal(broughtBy(peers, { ...evidence(`hopline:v1:bastion1:${HOP}:bob`), source: 'environ' }), null);
});
