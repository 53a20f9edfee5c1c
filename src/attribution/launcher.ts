/**
 * Whether a program is a part of `hopline shell`, between sshd and what it starts in place of its ForceCommand: such ones
 * are no part of a chain, so that policies read the same chains with it and without. Each is known by what it runs, word
 * for word; of what a person starts by it nothing else is left out.
 */

/** Hopline's own Node, and the script that it runs there. */
export interface Launcher {
  readonly node: string;
  readonly entry: string;
}

const SCRIPT = '/usr/lib/hopline/shell';
const COMMAND = ['/usr/bin/hopline', 'shell'] as const;
/** As sshd has the person's shell run it; with words behind it for a test. */
const FORCED = /^(?:\/usr\/bin\/hopline shell|\/usr\/lib\/hopline\/shell(?: [\w./=-]+)*)$/;
/** Node's own options, and those of the script. */
const OPTION = /^--[\w-]+(?:=\w+)?$/;

/**
 * Asked of a program right below sshd, or below another part of it.
 * @param exe path of the file, where the kernel vouches for it
 */
export function isLauncher(launcher: Launcher, exe: string | null, argv: readonly string[]): boolean {
  const [, first = '', second] = argv;
  if (first === '-c') return argv.length === 3 && FORCED.test(second ?? '');
  if (first === SCRIPT) return true;
  if (first === COMMAND[0] && second === COMMAND[1]) return argv.length === 3;
  if (exe !== launcher.node) return false;
  const at = argv.indexOf(launcher.entry);
  return at > 0 && argv.slice(1, at).every((word) => OPTION.test(word));
}
