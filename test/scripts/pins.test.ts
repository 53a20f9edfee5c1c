/** Uninstall finds the pins that go on redirecting connections, however hopline.yaml is written. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';

const LIB = join(import.meta.dirname, '../../scripts/install.d/lib');

function configured(path: string): string {
  const run = spawnSync('bash', ['-euc', '. "$0"; configured_pins "$1"', LIB, path], { encoding: 'utf8' });
  t.equal(run.status, 0, run.stderr);
  return run.stdout;
}

for (const [yaml, pins] of [
  ['paths:\n  pins: /sys/fs/bpf/other\n', '/sys/fs/bpf/other'],
  ['paths: {state: /var/lib/x, pins: /sys/fs/bpf/other, run: /run/x}\n', '/sys/fs/bpf/other'],
  ['paths: {pins: "/sys/fs/bpf/other"}', '/sys/fs/bpf/other'],
  ['host: a\n# paths: {pins: /sys/fs/bpf/other}\n', ''],
  ['paths: {state: /var/lib/pins}\n', ''],
  ['', ''],
] as const)
  t.test(JSON.stringify(yaml), async (t) => {
    t.equal(configured(join(t.testdir({ 'hopline.yaml': yaml }), 'hopline.yaml')), pins);
  });

t.test('no configuration', async (t) => {
  t.equal(configured(join(t.testdir({}), 'hopline.yaml')), '');
});
