import t from 'tap';
import { files, load, places, problemsOf } from './directory.ts';

interface Case {
  readonly yaml: string;
  readonly at: string;
  readonly message?: RegExp | string;
  readonly expected?: RegExp | string;
  readonly hint?: RegExp | string;
}

const CASES: readonly Case[] = [
  {
    yaml: 'mode: observed',
    at: '1:7 mode',
    expected: 'one of enforce, observe',
    hint: 'did you mean "observe"?',
  },
  { yaml: '# c\n\nmdoe: enforce', at: '3:1 mdoe', message: 'unknown key', hint: 'did you mean "mode"?' },
  { yaml: 'proxy:\n  lissten: {}', at: '2:3 proxy.lissten', hint: 'did you mean "listen"?' },
  { yaml: 'zzz: 1', at: '1:1 zzz', hint: 'remove it' },
  { yaml: 'mode:\n', at: '1:1 mode', message: /not a value/ },
  { yaml: 'host: "a b"', at: '1:7 host', expected: 'a host name' },
  { yaml: 'host: 7', at: '1:7 host', expected: 'text', hint: 'put it in quotes: "7"' },
  { yaml: 'scope: system.slice', at: '1:8 scope' },
  { yaml: 'scope: /a/../b', at: '1:8 scope' },
  { yaml: 'paths: {state: var}', at: '1:16 paths.state', expected: 'an absolute path' },
  { yaml: 'paths: []', at: '1:8 paths', expected: /mapping/ },
  { yaml: 'proxy:\n  workers: 0', at: '2:12 proxy.workers', expected: '1 or more' },
  { yaml: 'proxy: {workers: many}', at: '1:18 proxy.workers', expected: 'auto or a number' },
  { yaml: 'proxy: {workers: 2.5}', at: '1:18 proxy.workers' },
  { yaml: 'proxy: {user: "a:b"}', at: '1:15 proxy.user' },
  { yaml: 'proxy: {listen: {v4: "10.0.0.1:15001"}}', at: '1:22 proxy.listen.v4', message: /loopback only/ },
  { yaml: 'proxy: {listen: {v4: "127.0.0.1:0"}}', at: '1:22 proxy.listen.v4' },
  { yaml: 'proxy: {listen: {v4: "127.0.0.1:65536"}}', at: '1:22 proxy.listen.v4' },
  { yaml: 'proxy: {listen: {v6: "::1:15001"}}', at: '1:22 proxy.listen.v6', expected: /\[::1\]:15001/ },
  { yaml: 'proxy: {listen: {v6: "[::ffff:127.0.0.1]:1"}}', at: '1:22 proxy.listen.v6' },
  { yaml: 'proxy: {timeouts: {dial: 10}}', at: '1:26 proxy.timeouts.dial', expected: 'text' },
  { yaml: 'proxy: {timeouts: {dial: 10 s}}', at: '1:26 proxy.timeouts.dial', expected: /10s/ },
  { yaml: 'proxy: {timeouts: {dial: 0s}}', at: '1:26 proxy.timeouts.dial', message: 'is out of range' },
  { yaml: 'proxy: {timeouts: {idle: 25h}}', at: '1:26 proxy.timeouts.idle', message: 'is out of range' },
  {
    yaml: 'dns:\n  resolvers:\n    - 10.0.0.53\n    - dns.example',
    at: '4:7 dns.resolvers.1',
    hint: /not resolved/,
  },
  { yaml: 'dns: {resolvers: [10.0.0.0/8]}', at: '1:19 dns.resolvers.0', message: /no IP address/ },
  { yaml: 'dns: {resolvers: automatic}', at: '1:18 dns.resolvers', expected: 'auto or a list' },
  { yaml: 'udp: {allow: [{to: 10.0.0.5/8}]}', at: '1:20 udp.allow.0.to', hint: /10\.0\.0\.0\/8/ },
  { yaml: 'udp: {allow: [{port: 53}]}', at: '1:15 udp.allow.0.to', message: 'is missing' },
  {
    yaml: 'udp: {allow: [{to: 0.0.0.0/0, port: 443}]}',
    at: '1:15 udp.allow.0',
    message: /QUIC/,
    hint: /quic: true/,
  },
  { yaml: 'udp: {allow: [{to: 0.0.0.0/0, quic: true}]}', at: '1:15 udp.allow.0', hint: /port: 443/ },
  {
    yaml: 'udp: {allow: [{to: 0.0.0.0/0, port: 0}]}',
    at: '1:37 udp.allow.0.port',
    expected: 'a port from 1 to 65535',
  },
  { yaml: 'udp: {allow: [{to: 0.0.0.0/0, port: 65536}]}', at: '1:37 udp.allow.0.port' },
  {
    yaml: 'udp: {allow: [{to: 0.0.0.0/0, port: "123"}]}',
    at: '1:37 udp.allow.0.port',
    hint: 'remove the quotes: 123',
  },
  { yaml: 'sockets: {ping: yes}', at: '1:17 sockets.ping', expected: 'one of allow, deny' },
  {
    yaml: 'ssh: {daemons: /usr/sbin/sshd}',
    at: '1:16 ssh.daemons',
    hint: 'write it as a list: [/usr/sbin/sshd]',
  },
  { yaml: 'origins: {cron: [cron]}', at: '1:18 origins.cron.0', expected: 'an absolute path' },
  { yaml: 'peers: [bastion2]', at: '1:9 peers.0' },
  { yaml: 'peers: [{host: bastion2, nat: maybe}]', at: '1:31 peers.0.nat' },
  { yaml: 'peering: {listen: "bastion2:7422"}', at: '1:19 peering.listen', expected: /10\.0\.0\.5:7422/ },
  { yaml: 'peering: {listen: "10.0.0.5:0"}', at: '1:19 peering.listen' },
  { yaml: 'peering: {advertise: "[10.0.0.5]:1"}', at: '1:22 peering.advertise' },
  { yaml: 'peering: {addresses: [10.0.0.0/8]}', at: '1:23 peering.addresses.0' },
  { yaml: 'peers: [{host: bastion2, ca: ssh-ed25519 AAAA}]', at: '1:30 peers.0.ca' },
  { yaml: 'record: {argv_bytes: 1000000}', at: '1:22 record.argv_bytes', expected: '4096 or less' },
  { yaml: 'recording: {rows: some}', at: '1:19 recording.rows', expected: /all or a number/ },
  { yaml: 'recording: {rows: 0}', at: '1:19 recording.rows', expected: '1 or more' },
  {
    yaml: 'recording: {on_failure: stop}',
    at: '1:25 recording.on_failure',
    expected: 'one of end, continue',
  },
  { yaml: 'recording: {keep_days: 0}', at: '1:24 recording.keep_days', expected: '1 or more' },
  { yaml: 'recording: {keep_days: always}', at: '1:24 recording.keep_days', expected: /forever/ },
  { yaml: 'recording: {max_size: 5}', at: '1:23 recording.max_size', expected: 'text' },
  { yaml: 'recording: {max_size: 5M}', at: '1:23 recording.max_size', expected: /256MB/ },
  { yaml: 'recording: {max_size: 0kB}', at: '1:23 recording.max_size', message: 'is out of range' },
  { yaml: 'recording: {keep: 5}', at: '1:13 recording.keep', message: 'unknown key' },
  { yaml: 'tripwire: {enabled: yes}', at: '1:21 tripwire.enabled', expected: 'true or false' },
  { yaml: 'tripwire: {interfaces: [an-interface-name-too-long]}', at: '1:25 tripwire.interfaces.0' },
  { yaml: 'log: {level: verbose}', at: '1:14 log.level' },
  { yaml: '- a', at: '1:1', expected: /mapping/ },
  { yaml: 'just text', at: '1:1', expected: /mapping/ },
];

t.test('each mistake: its line and column, what was expected, the fix', async (t) => {
  for (const { yaml, at, ...rest } of CASES) {
    const directory = t.testdir(files({ 'hopline.yaml': yaml }));
    const problems = problemsOf(() => load(directory));
    t.strictSame(places(problems), [`hopline.yaml:${at}`], yaml);
    t.match(problems[0], rest, yaml);
    t.ok(problems[0]?.expected ?? problems[0]?.hint, `${yaml} says what to do`);
  }
});

t.test('all of them at once, in the order of the file', async (t) => {
  const directory = t.testdir(
    files({
      'hopline.yaml': 'mode: x\nscope: y\nlog: {level: z}\nfoo: 1\n',
      'targets.yaml': 'targets: {a: {ports: [0], addresses: [x]}}',
      'identities.yaml': 'users: {a: {keys: [x]}}',
    }),
  );
  t.strictSame(places(problemsOf(() => load(directory))), [
    'hopline.yaml:1:7 mode',
    'hopline.yaml:2:8 scope',
    'hopline.yaml:3:14 log.level',
    'hopline.yaml:4:1 foo',
    'identities.yaml:1:20 users.a.keys.0',
    'targets.yaml:1:23 targets.a.ports.0',
    'targets.yaml:1:39 targets.a.addresses.0',
  ]);
});

t.test('what is recorded, by default and as it is set', async (t) => {
  const recording = (yaml: string) => load(t.testdir(files({ 'hopline.yaml': yaml }))).recording;
  const usual = { rows: 0, terminals: 'text', onFailure: 'end', keepDays: 90, maxBytes: 1e9 };
  t.same(recording(''), usual);
  t.same(recording('mode: observe'), { ...usual, onFailure: 'continue' });
  t.same(recording('mode: observe\nrecording: {on_failure: end}'), usual);
  t.same(recording('recording: {rows: all, on_failure: continue, keep_days: forever, max_size: 20MB}'), {
    rows: 'all',
    terminals: 'text',
    onFailure: 'continue',
    keepDays: null,
    maxBytes: 20e6,
  });
  t.equal(recording('recording: {rows: 100}').rows, 100);
  t.equal(recording('recording: {rows: none}').rows, 0);
  t.equal(recording('recording: {terminals: all}').terminals, 'all');
  t.equal(recording('recording: {terminals: none}').terminals, 'none');
});
