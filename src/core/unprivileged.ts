/** How a process without privilege is started: its command line, environment and descriptors. */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export interface Unprivileged {
  /** The script that Node runs. */
  readonly entry: string;
  readonly args: readonly string[];
  /** Null leaves the user as it is: for tests, and for a supervisor that has no privilege itself. */
  readonly account: Account | null;
  /** Descriptors of ours that the child gets as 4, 5, …; 3 is the IPC channel. `pipe` makes a socket to it. */
  readonly fds: readonly (number | 'pipe')[];
  /** Capabilities (`net_raw`) that the child keeps; none by default. */
  readonly capabilities?: readonly string[];
  readonly nodeArgs?: readonly string[];
  /** Its input and output are pipes, and there is no IPC channel: what it says can be bounded. */
  readonly pipes?: boolean;
}

const SETPRIV = '/usr/bin/setpriv';
const CAP_SETPCAP = 8n;

/**
 * Starts Node as another user with no capabilities, no way to get any (no_new_privs) and no environment of ours.
 * @throws Error where the capabilities that the child needs cannot be given
 */
export function spawnUnprivileged(what: Unprivileged): ChildProcess {
  const node = [...(what.nodeArgs ?? []), what.entry, ...what.args];
  const stdio: StdioOptions = what.pipes
    ? ['pipe', 'pipe', 'inherit', ...what.fds]
    : ['ignore', 'inherit', 'inherit', 'ipc', ...what.fds];
  const options = { stdio, env: {}, cwd: '/', serialization: 'json' } as const;
  const { account, capabilities = [] } = what;
  if (account === null) return spawn(process.execPath, node, options);
  if (!existsSync(SETPRIV)) {
    if (capabilities.length > 0)
      throw new Error(`${SETPRIV} is missing, so ${capabilities} cannot be given: install util-linux`);
    return spawn(process.execPath, node, { ...options, uid: account.uid, gid: account.gid });
  }
  const flags = privileges(account, capabilities, canDropBounding());
  return spawn(SETPRIV, [...flags, '--', process.execPath, ...node], options);
}

/** setpriv's arguments. It changes user first and keeps what `capabilities` names across that. */
export function privileges(account: Account, capabilities: readonly string[], bounding: boolean): string[] {
  const kept = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  return [
    `--reuid=${account.uid}`,
    `--regid=${account.gid}`,
    '--clear-groups',
    '--no-new-privs',
    `--inh-caps=${kept}`,
    `--ambient-caps=${kept}`,
    ...(bounding ? [`--bounding-set=${kept}`] : []),
  ];
}

/** Without CAP_SETPCAP the bounding set stays; no_new_privs makes it of no use to the child all the same. */
function canDropBounding(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return effective !== undefined && ((BigInt(`0x${effective}`) >> CAP_SETPCAP) & 1n) === 1n;
}
