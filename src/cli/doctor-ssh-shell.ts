/** Whether sshd has logins recorded, and whether that is well set up: README.md, "Record what is typed on the bastion". */
import type { Finding } from './doctor-check.ts';
import type { DoctorSystem } from './doctor-system.ts';

const SHELL = /^forcecommand .*(?:hopline shell|\/usr\/lib\/hopline\/shell)/m;
const ENVIRONMENT = 'SetEnv SHLVL=1 ZDOTDIR=/usr/lib/hopline';
/** Nobody's name: what sshd does with whoever no Match block names. */
const ANYBODY = 'hopline-doctor';

/** @param sshd its path */
export function recordedShell(system: DoctorSystem, sshd: string | undefined): Finding {
  const settingsOf = (user: string) =>
    (sshd === undefined ? null : system.run(sshd, ['-T', '-C', `user=${user},host=localhost,addr=127.0.0.1`]))
      ?.output ?? '';
  if (SHELL.test(settingsOf('root')))
    return {
      ok: 'warn',
      found: "root's own logins run hopline shell: where the daemon does not answer they are refused, too",
      fix: 'in /etc/ssh/sshd_config, above the ForceCommand: Match User *,!root',
    };
  const settings = settingsOf(ANYBODY);
  if (!SHELL.test(settings)) return { ok: 'yes', found: 'no ForceCommand for whoever no Match block names' };
  if (!/^setenv .*\bSHLVL=1\b/m.test(settings) || !/^setenv .*\bZDOTDIR=/m.test(settings))
    return {
      ok: 'warn',
      found: "people's own ~/.bashrc or ~/.zshenv runs before hopline shell does",
      fix: `in /etc/ssh/sshd_config, below the ForceCommand: ${ENVIRONMENT}`,
    };
  return { ok: 'yes', found: 'hopline shell' };
}
