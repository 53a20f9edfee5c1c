import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError } from '../../src/config/problem.ts';
import { files, load, places, problemsOf } from './directory.ts';

t.test('an empty hopline.yaml is every default', async (t) => {
  const directory = t.testdir(files());
  const config = load(directory);
  t.match(config, {
    host: 'bastion1',
    mode: 'enforce',
    scope: '/',
    paths: { state: '/var/lib/hopline', run: '/run/hopline', pins: '/sys/fs/bpf/hopline', config: directory },
    proxy: {
      listen: { v4: { address: '127.0.0.1', port: 15_001 }, v6: { address: '::1', port: 15_001 } },
      workers: 2,
      user: 'hopline',
      timeouts: { claim: 5_000, dial: 30_000, drain: 30_000, idle: null },
    },
    dns: { resolvers: ['10.0.0.53'] },
    udp: { allow: [] },
    sockets: { ping: 'deny' },
    ssh: { daemons: ['/usr/sbin/sshd'] },
    origins: {
      cron: ['/usr/sbin/cron', '/usr/sbin/crond'],
      at: ['/usr/sbin/atd'],
      console: ['/bin/login', '/usr/bin/login'],
    },
    unlisted: 'inspect',
    loopback: 'direct',
    record: { argvBytes: 4096 },
    tripwire: { enabled: true, interfaces: 'auto' },
    log: { level: 'info' },
    targets: [],
    identities: [],
    warnings: [],
    version: /^[0-9a-f]{16}$/,
  });
  t.same(config.peers, []);
});

t.test('everything at once, and each way to name the place', async (t) => {
  const directory = t.testdir(
    files({
      'hopline.yaml': `host: b7
mode: observe
scope: /hopline.slice/x
proxy: {listen: {v4: "127.0.0.2:99", v6: "[::1]:98"}, workers: 7, timeouts: {idle: 2h, claim: 250ms}}
dns: {resolvers: [10.0.0.53, "FD00::53", "::ffff:10.0.0.53"]}
udp:
  allow:
    - {to: 10.0.0.0/8, port: 123}
    - {to: 0.0.0.0/0, port: 443, quic: true}
    - to: "::1"
record: {argv_bytes: 128}
tripwire: {enabled: false, interfaces: [eth0]}
ssh:
`,
      'targets.yaml':
        'targets: {db: {addresses: ["::ffff:10.0.3.5"], ports: [5432], tags: [prod]}, ntp: {addresses: [10.0.0.1], ports: [123], transport: udp}}',
      'identities.yaml':
        'users: {alice: {accounts: [alice, {name: kiosk, trust_account: true}], groups: [engineers]}}',
    }),
  );
  const config = load(directory);
  t.match(config.proxy, {
    listen: { v4: { address: '127.0.0.2', port: 99 }, v6: { address: '::1', port: 98 } },
    workers: 7,
    timeouts: { idle: 7_200_000, claim: 250 },
  });
  t.strictSame(config.dns.resolvers, ['10.0.0.53', 'fd00::53']);
  t.strictSame(config.udp.allow, [
    { to: '10.0.0.0/8', port: 123, quic: false },
    { to: '0.0.0.0/0', port: 443, quic: true },
    { to: '::1/128', port: 0, quic: false },
  ]);
  t.strictSame(config.record, { argvBytes: 128 });
  t.strictSame(config.ssh, { daemons: ['/usr/sbin/sshd'] }, 'a section left empty is its defaults');
  const databases = {
    tls: { mode: 'prefer', ca: null, serverName: null },
    columns: [],
    detect: { detectors: [], patterns: [] },
  };
  t.strictSame(config.targets, [
    {
      name: 'db',
      addresses: ['10.0.3.5/32'],
      ports: [5432],
      protocol: 'tcp',
      mode: 'inspect',
      transport: 'tcp',
      tags: ['prod'],
      ...databases,
    },
    {
      name: 'ntp',
      addresses: ['10.0.0.1/32'],
      ports: [123],
      protocol: 'tcp',
      mode: 'direct',
      transport: 'udp',
      tags: [],
      ...databases,
    },
  ]);
  t.strictSame(config.identities, [
    {
      name: 'alice',
      accounts: [
        { name: 'alice', trusted: false },
        { name: 'kiosk', trusted: true },
      ],
      keys: [],
      certificates: [],
      groups: ['engineers'],
    },
  ]);
  t.equal(
    load(`${directory}/hopline.yaml`, { resolvConf: `${directory}/resolv.conf` }).version,
    config.version,
  );
  writeFileSync(`${directory}/targets.yaml`, '');
  t.not(load(directory).version, config.version);
});

t.test('nothing in a snapshot can be changed', async (t) => {
  const config = load(
    t.testdir(files({ 'targets.yaml': 'targets: {db: {addresses: [10.0.3.5], ports: [5432]}}' })),
  );
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    t.ok(Object.isFrozen(value));
    Object.values(value).forEach(walk);
  };
  walk(config);
  t.throws(() => Object.assign(config, { mode: 'observe' }), TypeError);
});

t.test('a missing hopline.yaml names its path and the fix; the rest is optional', async (t) => {
  const directory = t.testdir({ 'targets.yaml': 'tragets: {}' });
  const problems = problemsOf(() => load(directory));
  t.strictSame(places(problems), ['hopline.yaml:0:0', 'targets.yaml:1:1 tragets']);
  t.match(String(new ConfigError(problems)), `${directory}/hopline.yaml: there is no such file`);
  t.match(problems[0]?.hint, `sudo install -D -m 644 /dev/null ${directory}/hopline.yaml`);
  t.match(problemsOf(() => load('/nonexistent/hopline'))[0]?.file, '/nonexistent/hopline/hopline.yaml');
  t.match(problemsOf(() => load('/nonexistent/other.yaml'))[0]?.file, '/nonexistent/other.yaml');
  writeFileSync(`${directory}/hopline.yaml`, '');
  rmSync(`${directory}/targets.yaml`);
  const config = load(directory, { resolvConf: '/nonexistent' });
  t.strictSame(config.dns.resolvers, ['127.0.0.1']);
  t.strictSame(
    config.warnings.map(({ message }) => message).sort(), // they come by path, and the checkout may be anywhere
    [
      'names no resolver: DNS is allowed to 127.0.0.1 only',
      'there are no policies here, so that no connection is permitted',
    ],
  );
});

t.test('a directory of its own for the other files', async (t) => {
  const directory = t.testdir({
    a: files(),
    b: { 'targets.yaml': 'targets: {db: {addresses: [10.0.0.1], ports: [1]}}' },
  });
  writeFileSync(`${directory}/a/hopline.yaml`, `paths: {config: ${directory}/b}`);
  t.equal(load(`${directory}/a`).targets[0]?.name, 'db');
});

t.test('files that are no files', async (t) => {
  const directory = t.testdir(files());
  const targets = join(directory, 'targets.yaml');
  const refused = (message: RegExp) => {
    t.match(
      problemsOf(() => load(directory)),
      [{ file: targets, line: 0, message }],
    );
    rmSync(targets, { recursive: true });
  };
  execFileSync('mkfifo', [targets]);
  refused(/not a regular file/);
  mkdirSync(targets);
  refused(/not a regular file/);
  symlinkSync('/dev/zero', targets);
  refused(/not a regular file/);
  symlinkSync('/nonexistent/targets.yaml', targets);
  refused(/a link to nothing/);
  writeFileSync(targets, Buffer.alloc((4 << 20) + 1, '#'));
  refused(/larger than/);
  writeFileSync(targets, Buffer.from([0x61, 0x3a, 0xff]));
  refused(/not valid UTF-8/);
  symlinkSync('/nonexistent/x.cedar', join(directory, 'policies', 'x.cedar'));
  t.match(
    problemsOf(() => load(directory)),
    [{ message: /a link to nothing/ }],
    'a forbid that is gone is no permit',
  );
});

t.test('what anybody may change is a warning', async (t) => {
  const directory = t.testdir(files({ 'targets.yaml': '' }));
  chmodSync(`${directory}/targets.yaml`, 0o666);
  chmodSync(`${directory}/policies`, 0o777);
  const { warnings } = load(directory);
  t.match(warnings, [
    { file: `${directory}/policies`, got: 'mode 0777' },
    { file: `${directory}/targets.yaml`, got: 'mode 0666', hint: `sudo chmod o-w ${directory}/targets.yaml` },
  ]);
  t.equal(warnings.length, 2);
});

t.test('policies are checked by whom the caller names, with what the other files say', async (t) => {
  const directory = t.testdir(
    files({ policies: { 'b.cedar': 'b', 'a.cedar': 'a', 'c.txt': 'c', '.d.cedar': 'd' } }),
  );
  const config = load(directory, {
    checkPolicies: ({ files: found }) => ({
      problems: [],
      warnings: found.map(({ file }) => ({
        file,
        line: 1,
        column: 1,
        path: '',
        message: 'seen',
        expected: null,
        got: null,
        hint: null,
      })),
    }),
  });
  t.strictSame(
    config.policies.map(({ text }) => text),
    ['a', 'b'],
  );
  t.strictSame(places(config.warnings), ['a.cedar:1:1', 'b.cedar:1:1']);
});
