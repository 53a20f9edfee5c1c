import type { Micros } from '../core/types.ts';
import type { HlExecEvent } from '../kernel/layouts.generated.ts';
import { isSessionEnviron } from './proc.ts';
import type { Root } from './roots.ts';

const UNSET = 0xffffffff;

/** File times lag by a tick of the kernel's clock, and the wall clock is measured to a few milliseconds. */
const CLOCK_US: Micros = 10_000;

export interface SetupFacts {
  readonly at: Micros;
  /** The name given to execve. */
  readonly filename: string;
  readonly argv: readonly string[];
  /** The account's number, where PAM has told who this is and the account is the host's own. */
  readonly uid: number | null;
  /** What the host's own accounts of uid 0 have for a shell. */
  readonly shells: ReadonlySet<string>;
  /** Whether the process still runs that program. */
  stillRuns(): boolean;
}

/**
 * Whether a program that sshd's privileged half executed is a PAM module's doing, before or after the session, and not
 * the person's. In a login of uid 0, whatever the account is called, that half starts the shell too: its environment
 * tells the two apart. The audit session says that PAM is at work at all.
 *
 * Of a program that has gone already it is told by the uid of the login, by whether it was started as sshd starts a
 * shell, and by whether the hook, which is the last of the session modules, had run. What remains in doubt is the
 * person's: too much in a tree is better than too little.
 */
export function isSetup(event: HlExecEvent, root: Root, facts: SetupFacts): boolean {
  if (root.kind !== 'ssh' || event.who.uid !== 0 || event.sessionid === UNSET) return false;
  const session = isSessionEnviron(event.who.proc.tgid);
  if (session) return false;
  // Asked after reading: the environment may be that of a program executed since.
  if (session === false && facts.stillRuns()) return true;
  const login = facts.uid ?? (event.loginuid === UNSET ? null : event.loginuid);
  if (login !== null && login !== 0) return true;
  // Of an account that is not the host's own the shell is not known.
  const known = root.opened === null || facts.uid !== null;
  if (known && !isShell(facts)) return true;
  return root.opened !== null && facts.at < root.opened - CLOCK_US;
}

/** `-bash` for a person at a terminal, `bash -c COMMAND` for everything else (do_child in session.c of OpenSSH). */
function isShell({ filename, argv: [name, option], shells }: SetupFacts): boolean {
  const base = filename.slice(filename.lastIndexOf('/') + 1);
  return shells.has(filename) && (name === `-${base}` || (name === base && option === '-c'));
}
