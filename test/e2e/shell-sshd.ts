/** An sshd whose logins run `hopline shell`, beside the host's own, which has the same settings but for that. */
import { join } from 'node:path';
import type { Test } from 'tap';
import { REPO } from './lab.ts';
import { type Bastion, listensBy, service } from './support.ts';

/** As an installation has it, but for where this checkout and its Node lie. */
export const FORCED = `/usr/lib/hopline/shell ${process.execPath} --disable-sigusr1 --disable-warning=ExperimentalWarning ${join(REPO, 'src/shell.ts')}`;

/**
 * Gone at the test's end, with what was started by its logins.
 * @param more lines of sshd_config, above the README's own
 */
export async function shellSshd(t: Test, host: Bastion, port: number, more = ''): Promise<void> {
  const directory = `/tmp/shell-sshd-${port}`;
  const match = [
    'Match User *,!root',
    `  ForceCommand ${FORCED}`,
    '  SetEnv SHLVL=1 ZDOTDIR=/usr/lib/hopline',
  ];
  const { code, err } = await service(
    host,
    `mkdir -p ${directory} && { printf '%s\n' '${more}'; grep -v "^${more.split(' ')[0] || '#'} " /etc/ssh/sshd_config
       printf '%s\n' '${match.join("' '")}'; } >${directory}/config &&
     /usr/sbin/sshd -f ${directory}/config -E ${directory}/log -o Port=${port} -o PidFile=${directory}/pid &&
     { ${listensBy(`${directory}/pid`)}; }`,
  );
  if (code !== 0) throw new Error(`sshd on ${host}: ${err}`);
  t.teardown(() => service(host, `kill "$(cat ${directory}/pid)"; rm -r ${directory}`));
}
