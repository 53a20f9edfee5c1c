/** Whether SSH clients on this host know the key that the proxy shows where it terminates SSH. */
import type { Finding } from './doctor-check.ts';
import type { DoctorSystem } from './doctor-system.ts';
import { KNOWN_HOSTS } from './known-hosts.ts';

const SYSTEM = '/etc/ssh/ssh_config';
const FILE = '/etc/ssh/ssh_config.d/hopline.conf';
const INCLUDE = 'Include /etc/ssh/ssh_config.d/*.conf';
const COMMAND = `${KNOWN_HOSTS} %f`;
/** Written by the daemon whenever it starts. */
const KEY = '/run/hopline/ssh_host_ecdsa_key.pub';

export function knownHostsCommand(system: DoctorSystem): Finding {
  // Without -F it is the configuration of whoever runs the doctor, with their own file before the system's.
  const asked = system.run('ssh', ['-G', '-F', SYSTEM, 'localhost']);
  if (asked === null) return { ok: 'warn', found: 'no ssh to ask' };
  if (asked.status !== 0) return { ok: 'no', found: `ssh does not take ${SYSTEM}: ${line(asked.output)}` };
  const set = command(asked.output);
  if (set !== COMMAND) return notSet(system, set);
  return (
    program(system) ?? key(system, asked.output) ?? own(system) ?? { ok: 'yes', found: `ssh runs ${set}` }
  );
}

function notSet(system: DoctorSystem, set: string | null): Finding {
  const text = system.read(FILE);
  if (text === null || !text.includes(`KnownHostsCommand ${COMMAND}`)) {
    const found = `${FILE} is not there as it should be: ssh asks about, or refuses, the proxy's key`;
    return { ok: 'no', found, fix: 'scripts/install' };
  }
  if (set === null || set === 'none')
    return {
      ok: 'no',
      found: `${SYSTEM} does not read ${FILE}`,
      fix: `add to the top of ${SYSTEM}: ${INCLUDE}`,
    };
  // ssh_config(5): the first value obtained is used.
  const found = `another KnownHostsCommand comes before Hopline's: ${set}`;
  return { ok: 'no', found, fix: `have it run what Hopline's does, too: ${COMMAND}` };
}

/** Null where nothing is wrong with it. */
function program(system: DoctorSystem): Finding | null {
  const facts = system.stat(KNOWN_HOSTS);
  if (facts === null) return { ok: 'no', found: `${KNOWN_HOSTS} is not there`, fix: 'scripts/install' };
  // Threat: whoever may write it says to everybody's ssh which hosts are whom, and runs as them.
  if (facts.uid === 0 && (facts.mode & 0o022) === 0 && (facts.mode & 0o111) === 0o111) return null;
  const found = `${KNOWN_HOSTS} has mode ${facts.mode.toString(8)} and owner ${facts.uid}`;
  return { ok: 'no', found, fix: `chown root:root ${KNOWN_HOSTS} && chmod 0755 ${KNOWN_HOSTS}` };
}

function key(system: DoctorSystem, configuration: string): Finding | null {
  const [type = '', blob = '', print = ''] = system.read(KEY)?.trim().split(/\s+/) ?? [];
  if (blob === '') {
    return { ok: 'warn', found: `no key in ${KEY} yet: hoplined writes it`, fix: 'systemctl start hoplined' };
  }
  const facts = system.stat(KEY);
  if (facts !== null && (facts.mode & 0o444) !== 0o444)
    return { ok: 'no', found: `not everybody may read ${KEY}`, fix: `chmod 0644 ${KEY}` };
  const said = (shown: string) => system.run(KNOWN_HOSTS, [shown])?.output.trim();
  if (said(print) !== `* ${type} ${blob}`)
    return { ok: 'no', found: `${KNOWN_HOSTS} does not know the key in ${KEY}`, fix: 'scripts/install' };
  if (said(`${print}A`) !== '')
    return { ok: 'no', found: `${KNOWN_HOSTS} knows keys that are not Hopline's`, fix: 'scripts/install' };
  const algorithms = /^hostkeyalgorithms (.*)$/m.exec(configuration)?.[1]?.split(',') ?? [];
  if (algorithms.includes(type)) return null;
  const found = `HostKeyAlgorithms of ${SYSTEM} leave out that of the proxy's key: no terminated host is reached`;
  return { ok: 'no', found, fix: `add to them: ${type}` };
}

/** Whoever runs the doctor may have another in their own file. */
function own(system: DoctorSystem): Finding | null {
  const set = command(system.run('ssh', ['-G', 'localhost'])?.output ?? '');
  if (set === COMMAND) return null;
  const found = `your own ~/.ssh/config has ${set === null ? 'no KnownHostsCommand' : `KnownHostsCommand ${set}`} in place of Hopline's`;
  return { ok: 'warn', found, fix: `have it run what Hopline's does, too: ${COMMAND}` };
}

const command = (configuration: string) => /^knownhostscommand (.*)$/m.exec(configuration)?.[1] ?? null;
const line = (output: string) => output.trim().split('\n')[0] ?? '';
