import type { Check, Finding } from './doctor-check.ts';
import { knownHostsCommand } from './doctor-ssh-client.ts';
import { recordedShell } from './doctor-ssh-shell.ts';
import type { DoctorSystem } from './doctor-system.ts';

const HOOK = '/usr/lib/hopline/pam-session';
const PAM_FILE = '/etc/pam.d/sshd';
/** Above pam_env, whose environment the user may write; `optional`: a login never fails for it. */
const PAM_LINE = `session optional pam_exec.so quiet type=open_session ${HOOK}`;
const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'];

export const sshChecks: readonly Check[] = [
  {
    name: 'sshd',
    run(system) {
      const path = SSHD.find((one) => system.executable(one));
      if (path === undefined) return { ok: 'no', found: 'no sshd', fix: 'apt-get install openssh-server' };
      const version = /OpenSSH_\S+/.exec(system.run(path, ['-V'])?.output ?? '')?.[0] ?? 'version unknown';
      return { ok: 'yes', found: `${path} ${version}` };
    },
  },
  { name: 'sshd UsePAM', run: usePam },
  { name: 'PAM session hook', run: pamHook },
  { name: 'ssh KnownHostsCommand', run: knownHostsCommand },
  {
    name: 'sshd ForceCommand',
    run: (system) =>
      recordedShell(
        system,
        SSHD.find((one) => system.executable(one)),
      ),
  },
];

function usePam(system: DoctorSystem): Finding {
  const path = SSHD.find((one) => system.executable(one));
  if (path === undefined) return { ok: 'no', found: 'no sshd to ask', fix: 'apt-get install openssh-server' };
  const asked = system.run(path, ['-T']);
  const value = /^usepam (\w+)/m.exec(asked?.output ?? '')?.[1];
  if (value === 'yes') return { ok: 'yes', found: 'UsePAM yes' };
  if (value === 'no') {
    const fix = 'add to /etc/ssh/sshd_config: UsePAM yes\nsystemctl reload ssh';
    return { ok: 'no', found: 'UsePAM no: trees are kept, without key, certificate and client', fix };
  }
  const why = asked?.output.trim().split('\n')[0] ?? '';
  return { ok: 'warn', found: `sshd -T does not say (${why})`, fix: 'sudo sshd -T | grep -i usepam' };
}

function pamHook(system: DoctorSystem): Finding {
  const text = system.read(PAM_FILE);
  const add = `add to ${PAM_FILE}, above every pam_env line: ${PAM_LINE}`;
  if (text === null) return { ok: 'no', found: `${PAM_FILE} cannot be read`, fix: add };
  const lines = text.split('\n').map((line) => line.trim());
  const at = lines.findIndex((line) => /^session\s+\S+\s+pam_exec\.so\b.*\/pam-session\b/.test(line));
  if (at < 0)
    return { ok: 'no', found: `no line of Hopline in ${PAM_FILE}: logins have no identity`, fix: add };
  const line = lines[at] ?? '';
  const hook = line.split(/\s+/).find((word) => word.endsWith('/pam-session')) ?? HOOK;
  const facts = system.stat(hook);
  if (facts === null) return { ok: 'no', found: `${hook} is not there`, fix: 'scripts/install' };
  // Threat: root runs it at every login; whoever may write it is root.
  if (facts.uid !== 0 || (facts.mode & 0o022) !== 0 || (facts.mode & 0o111) === 0) {
    const found = `${hook} has mode ${facts.mode.toString(8)} and owner ${facts.uid}`;
    return { ok: 'no', found, fix: `chown root:root ${hook} && chmod 0755 ${hook}` };
  }
  const env = lines.findIndex((one) => /^session\b.*\bpam_env\.so\b.*\buser_readenv=1/.test(one));
  if (env >= 0 && env < at) {
    const found = `line ${at + 1} stands below pam_env user_readenv=1 in line ${env + 1}: users choose the hook's environment`;
    return { ok: 'no', found, fix: `move above line ${env + 1} of ${PAM_FILE}: ${line}` };
  }
  return { ok: 'yes', found: `${PAM_FILE}:${at + 1}: ${line}` };
}
