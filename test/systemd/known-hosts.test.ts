/** The program that ssh asks about keys: what it says of whose, and that it never stops an ssh. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SshHostKey } from '../../src/daemon/ssh-host-key.ts';

const PLACE = join(import.meta.dirname, '../../systemd');

function ask(t: Test, type: string, key: string, file: string): string {
  const { status, stdout, stderr } = spawnSync(join(PLACE, 'known-hosts'), [type, key, file], {
    encoding: 'utf8',
    env: {},
  });
  t.equal(status, 0, 'ssh would give up');
  t.equal(stderr, '', 'and its person would read this');
  return stdout;
}

t.test("Hopline's key is good for any name, and no other for one", async (t) => {
  const run = t.testdir();
  const [type = '', key = ''] = new SshHostKey(t.testdirName, run).line.split(' ');
  const file = join(run, 'ssh_host_ecdsa_key.pub');
  t.equal(ask(t, type, key, file), `* ${type} ${key}\n`);
  t.equal(ask(t, type, key.replace(/^./, 'B'), file), '');
  t.equal(ask(t, 'ssh-ed25519', key, file), '');
  t.equal(
    ask(t, 'ssh-ed25519', 'AAAAC3NzaC1lZDI1NTE5AAAAIAzgA8ipxmsAh2lNUFq0FaHeUgcIPlxdPZ1AqRe9D36U', file),
    '',
  );
  t.equal(ask(t, 'NONE', 'NONE', file), '', 'when ssh asks which types to prefer');
});

t.test('without a key nothing is known', async (t) => {
  const place = t.testdir({ empty: '', line: '\n' });
  for (const name of ['absent', 'empty', 'line', '.'])
    for (const said of ['', 'NONE', '*'])
      t.equal(ask(t, said, said, join(place, name)), '', `${name} ${said}`);
});

t.test('ssh takes the setting', async (t) => {
  const file = join(PLACE, 'ssh-client.conf');
  const { status, stdout } = spawnSync('ssh', ['-G', '-F', file, 'db1'], { encoding: 'utf8' });
  t.equal(status, 0);
  t.match(stdout, /^knownhostscommand \/usr\/lib\/hopline\/known-hosts %t %K$/m);
  const own = join(t.testdir(), 'config');
  writeFileSync(own, `KnownHostsCommand /usr/bin/other %H\nInclude ${file}\n`);
  t.match(
    spawnSync('ssh', ['-G', '-F', own, 'db1'], { encoding: 'utf8' }).stdout,
    /^knownhostscommand \/usr\/bin\/other %H$/m,
  );
});
