import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { knownHosts } from '../../../src/protocols/ssh/known-hosts/file.ts';
import { matchesPattern, nameWithPort } from '../../../src/protocols/ssh/known-hosts/pattern.ts';
import { judge, preferred } from '../../../src/protocols/ssh/known-hosts/verdict.ts';
import { blobOf, certify, newKey, publicKey } from '../../identity/keys.ts';

const dir = mkdtempSync(join(tmpdir(), 'hopline-known-hosts-'));
t.teardown(() => rmSync(dir, { recursive: true }));
const line = (name: string, type = 'ed25519', bits?: string) =>
  publicKey(`${newKey(dir, name, type, bits)}.pub`);
const [one, two, rsa, ca] = [line('one'), line('two'), line('rsa', 'rsa', '2048'), line('ca')];
const file = (text: string) => [...knownHosts({ path: 'known_hosts', text })];
const NOW = Math.floor(Date.now() / 1000);
const at = (names: string[], port = 22) => ({ names, port });
const outcome = (text: string, host: { names: string[]; port: number }, key: string | Buffer, now = NOW) =>
  judge(file(text), host, typeof key === 'string' ? blobOf(key) : key, now).outcome;

t.test('a host is found as ssh-keygen -F finds it', async (t) => {
  const texts = [
    `db1 ${one}`,
    `db1,10.0.0.5 ${one}`,
    `*.example.org,!bad.example.org ${one}`,
    `!bad.example.org,*.example.org ${one}`,
    `d?1 ${one}`,
    `DB1 ${one}`,
    `[db1]:2222 ${one}`,
    `[db1]:* ${one}`,
    `[*]:2222 ${one}`,
    `* ${one}`,
    `# db1 ${one}`,
    `  db1\t${one} a comment`,
    `db1`,
    '',
    `[fd00::5]:2222,fd00::5 ${one}`,
  ];
  const hosts: [string, number][] = [
    ['db1', 22],
    ['DB1', 22],
    ['db1', 2222],
    ['10.0.0.5', 22],
    ['a.example.org', 22],
    ['bad.example.org', 22],
    ['fd00::5', 22],
    ['fd00::5', 2222],
  ];
  for (const hashed of [false, true])
    for (const text of texts) {
      const path = join(dir, 'known_hosts');
      writeFileSync(path, `${text}\n`);
      if (hashed) {
        try {
          execFileSync('ssh-keygen', ['-H', '-f', path], { stdio: 'pipe' });
        } catch {
          continue; // Refuses files with lines that are none.
        }
      }
      const content = readFileSync(path, 'utf8');
      for (const [host, port] of hosts) {
        // ssh-keygen hashes what it is given; ssh, which is followed here, makes a name lower case first.
        if (hashed && host !== host.toLowerCase()) continue;
        const finds = (name: string) => {
          try {
            return execFileSync('ssh-keygen', ['-F', name, '-f', path], { stdio: 'pipe' }).includes('found');
          } catch {
            return false;
          }
        };
        // ssh looks without the port, too; ssh-keygen for what it is given.
        const theirs = port === 22 ? finds(host) : finds(`[${host}]:${port}`) || finds(host);
        const ours = outcome(content, at([host], port), one) === 'known';
        t.equal(
          ours,
          theirs,
          `${hashed ? 'hashed ' : ''}${nameWithPort(host, port)} in ${JSON.stringify(text.slice(0, 40))}`,
        );
      }
    }
});

t.test('a line whose key is none is left out', async (t) => {
  t.equal(outcome(`db1 ssh-rsa ${one.split(' ')[1]}`, at(['db1']), one), 'unknown');
  t.equal(outcome('db1 ssh-ed25519 notbase64!', at(['db1']), one), 'unknown');
});

t.test('a key is known, changed, unknown or revoked', async (t) => {
  t.equal(outcome(`db1 ${one}`, at(['db1']), two), 'changed');
  t.equal(outcome(`db1 ${rsa}`, at(['db1']), one), 'changed', 'a key of another type is no less another key');
  t.equal(outcome(`db1 ${one}\ndb1 ${two}`, at(['db1']), two), 'known');
  t.equal(outcome(`db2 ${one}`, at(['db1']), one), 'unknown');
  t.equal(outcome(`db1 ${one}\n@revoked * ${one}`, at(['db1']), one), 'revoked');
  t.equal(outcome(`db1 ${one}\n@revoked db2 ${one}`, at(['db1']), one), 'known');
  t.equal(outcome(`@other db1 ${one}`, at(['db1']), one), 'unknown');
  const changed = judge(file(`db1 ${rsa}\ndb1 ${one}`), at(['db1']), blobOf(two), NOW);
  t.match(changed, { outcome: 'changed', by: { line: 2 } }, 'the line of the same type is named');
});

t.test('the first name that is known decides', async (t) => {
  const text = `db1 ${one}\n10.0.0.5 ${two}`;
  t.equal(outcome(text, at(['db1', '10.0.0.5']), one), 'known');
  t.equal(
    outcome(text, at(['db1', '10.0.0.5']), two),
    'changed',
    'the address does not excuse another key of the name',
  );
  t.equal(outcome(text, at(['other', '10.0.0.5']), two), 'known');
});

t.test('at another port than its own a host is known by the key that it has there', async (t) => {
  const elsewhere = { names: ['db1'], port: 2222 };
  t.equal(outcome(`db1 ${one}`, elsewhere, one), 'known');
  t.equal(
    outcome(`db1 ${one}`, elsewhere, two),
    'unknown',
    'another key says nothing: another sshd may be there',
  );
  t.equal(
    outcome(`[db1]:2222 ${two}\ndb1 ${one}`, elsewhere, one),
    'changed',
    'what is known of the port comes first',
  );
  t.equal(outcome(`@revoked db1 ${one}`, elsewhere, one), 'revoked');
  t.equal(outcome(`[db1]:2222 ${one}`, at(['db1']), one), 'unknown');
});

t.test('certificates of hosts', async (t) => {
  const key = newKey(dir, 'certified', 'ed25519');
  const certificate = (name: string, ...options: string[]) => {
    const path = newKey(dir, name, 'ed25519');
    return blobOf(publicKey(certify(join(dir, 'ca'), path, name, ...options)));
  };
  const authority = `@cert-authority *.example.org,db1 ${ca}`;
  const good = blobOf(
    publicKey(certify(join(dir, 'ca'), key, 'host', '-h', '-n', 'db1,a.example.org', '-V', '-1h:+1h')),
  );
  t.equal(outcome(authority, at(['db1']), good), 'known');
  t.equal(outcome(authority, at(['db1'], 2222), good), 'known', 'as of port 22');
  t.equal(outcome(`@cert-authority [db1]:22 ${ca}`, at(['db1'], 2222), good), 'unknown');
  t.equal(outcome(authority, at(['a.example.org']), good), 'known');
  t.match(judge(file(authority), at(['b.example.org']), good, NOW), {
    outcome: 'unknown',
    why: /is for db1/,
  });
  t.match(judge(file(authority), at(['db1']), good, NOW + 7200), { outcome: 'unknown', why: /expired/ });
  t.match(judge(file(authority), at(['db1']), good, NOW - 7200), {
    outcome: 'unknown',
    why: /not valid yet/,
  });
  t.equal(outcome(`@cert-authority db1 ${one}`, at(['db1']), good), 'unknown', 'another authority');
  t.equal(outcome(`db1 ${publicKey(`${key}.pub`)}`, at(['db1']), good), 'known', 'the key in it is known');
  t.equal(outcome(`${authority}\n@revoked * ${ca}`, at(['db1']), good), 'revoked', 'its authority is');
  t.match(judge(file(authority), at(['db1']), certificate('user', '-n', 'db1'), NOW), {
    why: /not for hosts/,
  });
  const forged = Buffer.from(good);
  const at0 = forged.indexOf('a.example.org');
  forged.write('b', at0);
  t.throws(() => judge(file(authority), at(['b.example.org']), forged, NOW), /signature is wrong/);
});

t.test('a host is asked for a key of a type that is known', async (t) => {
  const all = ['ssh-ed25519', 'rsa-sha2-512', 'rsa-sha2-256'];
  t.strictSame(preferred(file(''), at(['db1']), all), all);
  t.strictSame(preferred(file(`db1 ${rsa}`), at(['db1']), all), [
    'rsa-sha2-512',
    'rsa-sha2-256',
    'ssh-ed25519',
  ]);
  t.equal(
    preferred(file(`@cert-authority * ${ca}`), at(['db1']), all)[0],
    'ssh-ed25519-cert-v01@openssh.com',
  );
});

t.test('a pattern that others would take forever for', async (t) => {
  const started = performance.now();
  t.equal(matchesPattern(`${'*a'.repeat(200)}b`, 'a'.repeat(2000)), false);
  t.ok(performance.now() - started < 1000);
});
