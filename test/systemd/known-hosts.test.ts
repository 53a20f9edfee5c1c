/** The program that ssh asks about keys: what it says of whose, and that it never stops an ssh. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SshHostKey } from '../../src/daemon/ssh-host-key.ts';

const PLACE = join(import.meta.dirname, '../../systemd');

function ask(t: Test, print: string, file: string): string {
  const { status, stdout, stderr } = spawnSync(join(PLACE, 'known-hosts'), [print, file], {
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
  const line = `* ${type} ${key}\n`;
  for (const hash of ['sha256', 'md5']) {
    const said = spawnSync('ssh-keygen', ['-E', hash, '-lf', file], { encoding: 'utf8' }).stdout;
    const print = said.split(' ')[1] ?? '';
    t.match(print, new RegExp(`^${hash.toUpperCase()}:`));
    t.equal(ask(t, print, file), line, 'as ssh has it');
    t.equal(ask(t, print.slice(0, -1), file), '');
    t.equal(ask(t, `${print}A`, file), '');
  }
  for (const other of ['SHA256:', 'MD5:', '', 'NONE', '*', key, `SHA256:${'A'.repeat(43)}`])
    t.equal(ask(t, other, file), '', other);
});

t.test('without a key nothing is known', async (t) => {
  const place = t.testdir({ empty: '', line: '\n', old: 'ecdsa-sha2-nistp521 AAAA hopline\n' });
  for (const name of ['absent', 'empty', 'line', 'old', '.'])
    for (const said of ['', 'NONE', '*', 'SHA256:'])
      t.equal(ask(t, said, join(place, name)), '', `${name} ${said}`);
});

t.test('ssh takes the setting', async (t) => {
  const file = join(PLACE, 'ssh-client.conf');
  const { status, stdout } = spawnSync('ssh', ['-G', '-F', file, 'db1'], { encoding: 'utf8' });
  t.equal(status, 0);
  t.match(stdout, /^knownhostscommand \/usr\/lib\/hopline\/known-hosts %f$/m);
  const own = join(t.testdir(), 'config');
  writeFileSync(own, `KnownHostsCommand /usr/bin/other %H\nInclude ${file}\n`);
  t.match(
    spawnSync('ssh', ['-G', '-F', own, 'db1'], { encoding: 'utf8' }).stdout,
    /^knownhostscommand \/usr\/bin\/other %H$/m,
  );
});
