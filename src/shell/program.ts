/** Which program sshd would have started, and with what environment, were there no ForceCommand. */
import { userInfo } from 'node:os';
import { basename } from 'node:path';
import type { Program } from './libc.ts';

/** What the shell that ran this command adds, and the ForceCommand itself: sshd sets none of it otherwise. */
const ADDED = new Set(['SSH_ORIGINAL_COMMAND', '_', 'SHLVL', 'PWD', 'OLDPWD']);
/** As the README has sshd set it, so that zsh reads no file of the person's before this runs. */
const ZDOTDIR = '/usr/lib/hopline';
/** In this the launcher keeps what Node would take for its own. */
const KEPT = 'HOPLINE_NODE_OPTIONS';

export interface Asked {
  /** Null: a login shell. */
  readonly command: string | null;
  /** Path of the person's shell. */
  readonly shell: string;
  readonly environment: Readonly<Record<string, string>>;
}

export function askedFor(env: Readonly<Record<string, string | undefined>>): Asked {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || ADDED.has(name) || (name === 'ZDOTDIR' && value === ZDOTDIR)) continue;
    environment[name === KEPT ? 'NODE_OPTIONS' : name] = value;
  }
  return { command: env.SSH_ORIGINAL_COMMAND ?? null, shell: env.SHELL || shellOf(), environment };
}

/** sshd says so in SHELL. */
function shellOf(): string {
  return userInfo().shell || '/bin/sh';
}

/**
 * `-bash` for a login shell, `bash -c COMMAND` for everything else (do_child in session.c of OpenSSH).
 * @param terminal path of the terminal that it gets in place of sshd's
 */
export function programOf({ command, shell, environment }: Asked, terminal: string | null): Program {
  const name = basename(shell);
  const own =
    terminal === null
      ? environment
      : { ...environment, ...('SSH_TTY' in environment ? { SSH_TTY: terminal } : {}) };
  return {
    path: shell,
    argv: command === null ? [`-${name}`] : [name, '-c', command],
    environment: Object.entries(own).map(([key, value]) => `${key}=${value}`),
  };
}
