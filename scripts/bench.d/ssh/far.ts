/** One sshd, web1's, by two addresses: to the one the bastion's connections are direct, to the other terminated. */
import type { Lab } from '../lab.ts';

export const LOGIN = 'alice@bastion1';
const PLACES = ['10.98.0.2', '10.99.0.2'] as const;
export const [DIRECT, INSPECTED] = PLACES.map((address) => `alice@${address}`) as [string, string];
/** Bytes that nothing makes smaller. */
export const FILE = '/tmp/bench-random';

/** @returns SHA-256 of the file, in hexadecimal digits */
export async function startFar(lab: Lab, bytes: number): Promise<string> {
  // What OpenSSH knows web1 by is what it is to know these addresses by, as somebody's ssh would.
  const known = '/etc/ssh/ssh_known_hosts';
  const places = PLACES.join(',');
  await lab.exec('bastion1', [
    'sh',
    '-c',
    `grep -q '^${places} ' ${known} || sed -n 's/^web1,[^ ]* /${places} /p' ${known} >/tmp/known && cat /tmp/known >>${known}`,
  ]);
  const make = `[ "$(stat -c %s ${FILE} 2>/dev/null)" = ${bytes} ] || head -c ${bytes} /dev/urandom >${FILE}; chmod 644 ${FILE}; sha256sum ${FILE}`;
  const { stdout } = await lab.exec('web1', ['sh', '-c', make]);
  return stdout.slice(0, 64);
}
