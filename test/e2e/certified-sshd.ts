/** An sshd that takes nothing but certificates of an authority, beside the host's own. */
import type { Test } from 'tap';
import { type Host, listensBy, service } from './support.ts';

/**
 * Gone at the test's end.
 * @param directory of its own, on the host: `ca.pub`, `log`, `pid`
 * @param lines of TrustedUserCAKeys
 */
export async function certifiedSshd(
  t: Test,
  host: Host,
  { directory, port, lines }: { readonly directory: string; readonly port: number; readonly lines: string },
): Promise<void> {
  const { code, err } = await service(
    host,
    `mkdir -p ${directory} && printf '%s' '${lines}' >${directory}/ca.pub && : >${directory}/log &&
     /usr/sbin/sshd -E ${directory}/log -o Port=${port} -o PidFile=${directory}/pid -o AuthorizedKeysFile=none \
       -o PasswordAuthentication=no -o TrustedUserCAKeys=${directory}/ca.pub -o LogLevel=VERBOSE &&
     { ${listensBy(`${directory}/pid`)}; }`,
  );
  if (code !== 0) throw new Error(`sshd on ${host}: ${err}`);
  t.teardown(() => service(host, `kill "$(cat ${directory}/pid)"; rm -r ${directory}`));
}
