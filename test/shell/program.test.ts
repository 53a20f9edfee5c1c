import t from 'tap';
import { askedFor, programOf } from '../../src/shell/program.ts';

const SSHD = { HOME: '/home/alice', SHELL: '/bin/bash', SSH_TTY: '/dev/pts/3', TERM: 'xterm' };
/** As bash has it that was started to run the ForceCommand. */
const BASH = {
  ...SSHD,
  SHLVL: '1',
  PWD: '/home/alice',
  OLDPWD: '/',
  _: '/usr/bin/hopline',
  ZDOTDIR: '/usr/lib/hopline',
};

t.test('a login shell: its name, and the environment that sshd set', async (t) => {
  const asked = askedFor(BASH);
  t.equal(asked.command, null);
  t.same(programOf(asked, null), {
    path: '/bin/bash',
    argv: ['-bash'],
    environment: ['HOME=/home/alice', 'SHELL=/bin/bash', 'SSH_TTY=/dev/pts/3', 'TERM=xterm'],
  });
  t.ok(programOf(asked, '/dev/pts/9').environment.includes('SSH_TTY=/dev/pts/9'), 'the terminal that it has');
});

t.test('a command is handed on as it is', async (t) => {
  const command = 'echo "a  b"\n$HOME';
  const program = programOf(
    askedFor({ ...BASH, SSH_ORIGINAL_COMMAND: command, SHELL: '/usr/bin/zsh' }),
    null,
  );
  t.same(program.argv, ['zsh', '-c', command]);
  t.notOk(program.environment.some((one) => one.startsWith('SSH_ORIGINAL_COMMAND')));
});

t.test('what is the person’s own stays', async (t) => {
  const { environment } = askedFor({
    ...BASH,
    ZDOTDIR: '/home/alice/zsh',
    HOPLINE_NODE_OPTIONS: '--no-warnings',
  });
  t.match(environment, { ZDOTDIR: '/home/alice/zsh', NODE_OPTIONS: '--no-warnings' });
  t.notOk('SSH_TTY' in askedFor({ HOME: '/' }).environment);
});

t.test('an account without a shell has the host’s', async (t) => {
  t.match(askedFor({ HOME: '/' }).shell, /^\//);
});
