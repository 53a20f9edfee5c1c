import t from 'tap';
import { isLauncher } from '../../src/attribution/launcher.ts';
import { LAUNCHER } from './events.ts';

const { node, entry } = LAUNCHER;
const is = (argv: readonly string[], exe: string | null = '/usr/bin/dash') => isLauncher(LAUNCHER, exe, argv);

t.test('each program between sshd and what the person starts', async (t) => {
  t.ok(is(['bash', '-c', '/usr/bin/hopline shell']));
  t.ok(is(['zsh', '-c', '/usr/lib/hopline/shell']));
  t.ok(is(['/bin/sh', '/usr/bin/hopline', 'shell']));
  t.ok(is(['/bin/sh', '/usr/lib/hopline/shell']));
  t.ok(
    is([node, '--disable-sigusr1', '--disable-warning=ExperimentalWarning', entry, '--files', '1024'], node),
  );
});

t.test('nothing that a person starts', async (t) => {
  t.notOk(is(['-bash']));
  t.notOk(is(['bash', '-c', 'curl evil']));
  t.notOk(is(['bash', '-c', '/usr/bin/hopline shell; curl evil']));
  t.notOk(is(['bash', '-c', 'A=1 /usr/bin/hopline shell']));
  t.notOk(is(['bash', '-c', '/usr/bin/hopline shell\ncurl evil']));
  t.notOk(is(['bash', '-c', '/usr/bin/hopline shell', 'x']));
  t.notOk(is(['/bin/sh', '/usr/bin/hopline', 'tree']));
  t.notOk(is([node, entry], '/tmp/node'), 'another Node');
  t.notOk(is([node, entry], null), 'one for which the kernel does not vouch');
  t.notOk(is([node, '/tmp/evil.js', entry], node), 'another script');
  t.notOk(is([node, '-e', entry], node));
  t.notOk(is([node, '--require', '/tmp/evil.js', entry], node));
});
