/** One sshd, web1's, by two addresses: to the one the bastion's connections are direct, to the other terminated. */
import type { Lab } from '../lab.ts';

export const LOGIN = 'alice@bastion1';
const PLACES = ['10.98.0.2', '10.99.0.2'] as const;
export const [DIRECT, INSPECTED] = PLACES.map((address) => `alice@${address}`) as [string, string];
/** Bytes that nothing makes smaller. */
export const FILE = '/tmp/bench-random';
/** Lines as of a log, in another order each megabyte or so. */
export const TEXT = '/tmp/bench-text';

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
  const line =
    '{ printf "2026-11-22T%02d:%02d:%02d.%03d web%d app[%d]: request %s from 10.%d.%d.%d took %d ms\\n", NR % 24, NR % 60, NR * 7 % 60, rand() * 1000, NR % 9, 1000 + rand() * 9000, $1, rand() * 256, rand() * 256, rand() * 256, rand() * 500 }';
  const made = (file: string, how: string) =>
    `[ "$(stat -c %s ${file} 2>/dev/null)" = ${bytes} ] || { ${how}; } >${file}; chmod 644 ${file}`;
  const script = [
    made(FILE, `head -c ${bytes} /dev/urandom`),
    `head -c 160000 ${FILE} | od -An -v -tx8 -w8 | awk '${line}' >${TEXT}.part`,
    made(TEXT, `while cat ${TEXT}.part; do :; done 2>/dev/null | head -c ${bytes}`),
    `sha256sum ${FILE}`,
  ].join('\n');
  const { stdout } = await lab.exec('web1', ['sh', '-c', script]);
  return stdout.slice(0, 64);
}
