/** What policies can speak of. Later rooms add their protocol's context to their own actions. */

/** Every action that a policy can name. `request` and `call` are not decided yet. */
export const ACTIONS = [
  'connect',
  'shell',
  'exec',
  'transfer',
  'forward',
  'query',
  'request',
  'call',
  'reveal',
] as const;
export type Action = (typeof ACTIONS)[number];

/** Those that are decided within a connection, one by one. */
export type Within = Extract<Action, 'query' | 'shell' | 'exec' | 'transfer' | 'forward'>;

/** Those that can wait for an approval; any other is refused where it would have to. */
export const HELD: readonly Action[] = ['query', 'shell', 'exec', 'transfer', 'forward'];

/** Entity types whose members are named in configuration files. */
export const ENTITY_TYPES = ['User', 'Group', 'Target', 'Tag'] as const;
export type EntityType = (typeof ENTITY_TYPES)[number];

export const UNLISTED = 'unlisted';
export const LOOPBACK = 'loopback';
export const UNATTENDED = 'unattended';
export const UNATTRIBUTED = 'unattributed';
/** Begins the user name of a login whose account is all that is known. */
export const ACCOUNT_PREFIX = 'account:';

/**
 * Cedar schema.
 *
 * - `chain` is the set of programs from the login to the process, `program` the last of them, `depth` their number. A script
 *   is in the set by its interpreter, by its own name, and as both: `python3.11`, `etl.py`, `python3.11 etl.py`.
 * - `kind` is ssh, console, job or unattended; `source` is what started an unattended one, else "".
 * - `evidence` is publickey, certificate, password, keyboard-interactive, account or other; "" where nobody logged in.
 * - `hops` is the number of hops above the login, over all hosts.
 * - `name` is there where the login got the address from DNS; `approved` is true once everything
 *   that asked for an approval has got it.
 *
 * Of what is done over SSH, `account` is whom the login is to at the host, and
 *
 * - of a `shell`: `pty`, whether it is on a terminal.
 * - of a command (`exec`): `command` as it was sent, `words` as a shell splits it, `tool` the first of them without its
 *   directories; `known` is false where a shell would run more, or something else, than the words say.
 * - of a `transfer`: `tool` is sftp, scp or rsync, `operation` what is asked of the file (read, write, remove, rename …; session
 *   for the permission to begin), `direction` is upload, download or none, `path` as it was sent, empty where the host is
 *   told it later: of rsync's daemon, of `rsync -s`, of a session. What names several paths is a transfer of each.
 * - of a `forward`: `forwarded` is tcp, unix, x11, agent or tunnel, `direction` local where the host connects for the client and
 *   remote where the client does for the host, `toHost` and `toPort` where to; of unix the path and 0.
 *
 * Of a statement (`query`):
 *
 * - `verb` is the first word of its command tag in lower case, `cancel` for a request to stop another, `unknown` where it
 *   could not be read; `kinds` are read, write, ddl, privilege, transaction, session, copy, program, file, execute,
 *   utility and unknown.
 * - `tables` are the relations that it names, `reads` and `writes` which of them it does what to: each by its bare name,
 *   and as `schema.name` too where it says the schema.
 * - `unconditional` where an UPDATE, DELETE or MERGE in it has no condition.
 * - `known` is false where its text does not tell all that it does. `role` is whom it becomes.
 *
 * Of a column whose values would be shown (`reveal`): what it is called, and `tags`, which the target's configuration gives
 * it. What a detector finds in another column is decided as a column without a name whose tag is the detector's name.
 */
const HOP = `
  chain: Set<String>,
  program: String,
  depth: Long,
  kind: String,
  source: String,
  verified: Bool,
  evidence: String,
  transport: String,
  address: ipaddr,
  port: Long,
  hops: Long,
  name?: String,
  approved?: Bool,
`;
/** Actions whose context has more than the hop's. */
const OWN_CONTEXT: Readonly<Partial<Record<Action, string>>> = {
  ...{ shell: 'Shell', exec: 'Exec', transfer: 'Transfer', forward: 'Forward' },
  ...{ query: 'Query', reveal: 'Reveal' },
};
export const SCHEMA = `
type Hop = {${HOP}};
type Query = {${HOP}
  database: String,
  databaseUser: String,
  verb: String,
  kinds: Set<String>,
  tables: Set<String>,
  reads: Set<String>,
  writes: Set<String>,
  columns: Set<String>,
  functions: Set<String>,
  unconditional: Bool,
  limited: Bool,
  known: Bool,
  role?: String,
};
type Shell = {${HOP}
  account: String,
  pty: Bool,
};
type Exec = {${HOP}
  account: String,
  pty: Bool,
  command: String,
  tool: String,
  words: Set<String>,
  known: Bool,
};
type Transfer = {${HOP}
  account: String,
  tool: String,
  operation: String,
  direction: String,
  path: String,
};
type Forward = {${HOP}
  account: String,
  forwarded: String,
  direction: String,
  toHost: String,
  toPort: Long,
};
type Reveal = {${HOP}
  database: String,
  databaseUser: String,
  schema: String,
  table: String,
  column: String,
  tags: Set<String>,
};
entity Group;
entity User in [Group];
entity Tag;
entity Target in [Tag];
action ${ACTIONS.filter((action) => !(action in OWN_CONTEXT)).join(', ')} appliesTo { principal: User, resource: Target, context: Hop };
${Object.entries(OWN_CONTEXT)
  .map(
    ([action, type]) => `action ${action} appliesTo { principal: User, resource: Target, context: ${type} };`,
  )
  .join('\n')}
`;
