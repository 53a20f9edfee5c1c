/** Where install puts the login hook into a PAM stack, and that uninstall takes it out byte for byte. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';

const LIB = join(import.meta.dirname, '../../scripts/install.d/lib');

function run(
  what: 'pam_with_hook' | 'pam_without_hook',
  stack: string,
): { status: number | null; out: string; err: string } {
  const script = `set -euo pipefail; . "$0"; ${what}`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, LIB], {
    input: stack,
    encoding: 'utf8',
  });
  return { status, out: stdout, err: stderr };
}

const DEBIAN = `auth required pam_env.so
@include common-auth
account required pam_nologin.so
session [success=ok default=bad] pam_selinux.so close
# Set the loginuid.
session    required     pam_loginuid.so
@include common-session
session    required     pam_env.so user_readenv=1 envfile=/etc/default/locale
`;

t.test('below pam_loginuid, above the environment that users write', async (t) => {
  const { status, out } = run('pam_with_hook', DEBIAN);
  t.equal(status, 0);
  const lines = out.split('\n');
  const at = lines.findIndex((line) => line.startsWith('session') && line.includes('pam_exec.so'));
  t.match(
    lines[at],
    /^session\s+optional\s+pam_exec.so quiet type=open_session \/usr\/lib\/hopline\/pam-session$/,
  );
  t.match(lines[at - 2], /pam_loginuid/);
  t.ok(lines.findIndex((line) => line.includes('user_readenv')) > at);
  t.equal(run('pam_with_hook', out).out, out, 'a second time changes nothing');
  t.equal(run('pam_without_hook', out).out, DEBIAN);
});

t.test('a line in a dangerous place or form is put right', async (t) => {
  const good = run('pam_with_hook', DEBIAN).out;
  const bad = `${DEBIAN}session optional pam_exec.so quiet /usr/lib/hopline/pam-session\n`;
  t.equal(run('pam_with_hook', bad).out, good);
});

t.test('stacks of other shapes', async (t) => {
  for (const [stack, want] of [
    ['session required pam_unix.so\n', 0],
    ['auth required a.so\n@include common-session\n', 1],
    ['auth required a.so\n', 0],
    ['auth required a.so\nsession required pam_loginuid.so\nsession required b.so\n', 2],
    ['-session required pam_loginuid.so\n', 1],
    ['', 0],
  ] as const) {
    const { status, out } = run('pam_with_hook', stack);
    t.equal(status, 0, stack);
    t.match(out.split('\n')[want + 1], /type=open_session/, stack);
    t.equal(run('pam_without_hook', out).out, stack, 'byte for byte');
  }
});

t.test("users' environment above pam_loginuid is refused", async (t) => {
  const { status, err } = run('pam_with_hook', `session required pam_env.so user_readenv=1\n${DEBIAN}`);
  t.not(status, 0);
  t.match(err, /move pam_env below it first/);
});
