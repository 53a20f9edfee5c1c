/** The tripwire process on a real interface, in a network namespace of the test's own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';

const name = `hltrip${process.pid}`;
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
const root = process.getuid?.() === 0;

t.test('reports what leaves by the uplink, once each', { skip: root ? false : 'needs root' }, async (t) => {
  const far = `${name}b`;
  for (const space of [name, far]) ip('netns', 'add', space);
  t.teardown(() => {
    for (const space of [name, far]) ip('netns', 'del', space);
  });
  ip('-n', name, 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'up0', 'netns', far);
  for (const [space, host] of [
    [name, 1],
    [far, 2],
  ] as const) {
    ip('-n', space, 'link', 'set', 'lo', 'up');
    ip('-n', space, 'link', 'set', 'up0', 'up');
    ip('-n', space, 'addr', 'add', `10.99.7.${host}/24`, 'dev', 'up0');
    ip('-n', space, 'addr', 'add', `fd99:7::${host}/64`, 'dev', 'up0', 'nodad');
  }
  const sender = join(import.meta.dirname, 'fixture/sender.ts');
  const args = ['netns', 'exec', name, process.execPath, '--disable-warning=ExperimentalWarning', sender];
  // Without tap's own hooks, which write where the unprivileged child may not.
  const env = { PATH: process.env.PATH };
  const run = spawnSync('ip', [...args, '10.99.7.2', 'fd99:7::2', 'up0'], { encoding: 'utf8', env });
  t.equal(run.stderr, '');
  const lines = run.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  t.same(lines.shift(), {
    ready: ['up0'],
    uid: '65534',
    effective: '0000000000002000',
    bounding: '0000000000002000',
    promiscuous: false,
  });
  const seen = lines.map(
    ({ report }) => `${report?.proto} ${report?.destination.address} ${report?.destination.port}`,
  );
  t.same(seen.sort(), [
    'icmp 10.99.7.2 0',
    'ip-253 10.99.7.2 0',
    'tcp 10.99.7.2 9',
    'tcp fd99:7::2 9',
    'udp 10.99.7.2 9',
    'udp fd99:7::2 9',
    'udplite 10.99.7.2 9',
  ]);
  for (const { report } of lines) {
    t.equal(report.interface, 'up0');
    t.match(report.source.address, /^(10\.99\.7\.1|fd99:7::1)$/);
    t.ok(Math.abs(report.at / 1000 - Date.now()) < 30_000);
  }
});
