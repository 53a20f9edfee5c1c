import { sql } from 'drizzle-orm';
import type { AnySQLiteColumn } from 'drizzle-orm/sqlite-core';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';

/**
 * The store's tables. All of them are append-only: what happened is inserted once, and what became of it later
 * (an end, an exit, a revocation) is a row of another table. Times are integer microseconds since the Unix epoch.
 * JSON is kept as text. `src/store/migrations` is generated from this file:
 * `npx drizzle-kit generate --dialect sqlite --schema src/store/schema.ts --out src/store/migrations --name WHAT`.
 * A new table also needs its three triggers (see `0001_append_only.sql`); a test counts them.
 */

/** Facts about the store itself: openings, closings, how far every hop is known to have ended. */
export const meta = sqliteTable('meta', {
  seq: integer().primaryKey(),
  at: integer().notNull(),
  key: text().notNull(),
  value: text().notNull(),
});

export const logins = sqliteTable(
  'logins',
  {
    seq: integer().primaryKey(),
    id: text().notNull(),
    /** The kernel's boot id: pids of another boot are other processes. */
    boot: text().notNull(),
    host: text().notNull(),
    kind: text().notNull(),
    source: text(),
    user: text(),
    uid: integer(),
    identity: text(),
    identityName: text('identity_name'),
    clientAddress: text('client_address'),
    clientPort: integer('client_port'),
    tty: text(),
    started: integer().notNull(),
    recovered: integer().notNull(),
    parentHop: text('parent_hop'),
    /** JSON: by what that hop is known, or why none is. */
    link: text(),
  },
  (t) => [
    uniqueIndex('logins_id').on(t.id),
    index('logins_boot').on(t.boot),
    index('logins_started').on(t.started),
    index('logins_user').on(t.user),
    index('logins_identity_name').on(t.identityName),
    index('logins_parent_hop').on(t.parentHop),
  ],
);

const login = () =>
  text()
    .notNull()
    .references((): AnySQLiteColumn => logins.id);

/** What was learnt about a login after its start; of each column the latest value that is not null counts. */
export const loginIdentities = sqliteTable(
  'login_identities',
  {
    seq: integer().primaryKey(),
    login: login(),
    at: integer().notNull(),
    user: text(),
    uid: integer(),
    identity: text(),
    identityName: text('identity_name'),
    clientAddress: text('client_address'),
    clientPort: integer('client_port'),
    tty: text(),
    parentHop: text('parent_hop'),
    link: text(),
  },
  (t) => [
    index('login_identities_login').on(t.login),
    index('login_identities_user').on(t.user),
    index('login_identities_identity_name').on(t.identityName),
    index('login_identities_parent_hop').on(t.parentHop),
  ],
);

/** A row with `lingering` 1: the session is over and processes live on; with 0: nothing of it runs any more. */
export const loginEnds = sqliteTable(
  'login_ends',
  { login: login(), lingering: integer().notNull(), at: integer().notNull() },
  (t) => [primaryKey({ columns: [t.login, t.lingering] })],
);

export const loginRevocations = sqliteTable(
  'login_revocations',
  {
    seq: integer().primaryKey(),
    login: login(),
    at: integer().notNull(),
    by: text().notNull(),
    reason: text().notNull(),
  },
  (t) => [uniqueIndex('login_revocations_login_at').on(t.login, t.at)],
);

/** `login` and `parent` are no foreign keys: events may arrive out of order, and none is ever refused for that. */
export const processes = sqliteTable(
  'processes',
  {
    id: integer().primaryKey(),
    login: text().notNull(),
    parent: integer(),
    pid: integer().notNull(),
    ppid: integer().notNull(),
    startNs: text('start_ns').notNull(),
    image: integer().notNull(),
    exe: text().notNull(),
    exeVerified: integer('exe_verified').notNull(),
    argv: text().notNull(),
    argvBytes: integer('argv_bytes').notNull(),
    uid: integer().notNull(),
    started: integer().notNull(),
    recovered: integer().notNull(),
  },
  (t) => [uniqueIndex('processes_image').on(t.login, t.pid, t.startNs, t.image)],
);

export const processExits = sqliteTable('process_exits', {
  process: integer()
    .primaryKey()
    .references(() => processes.id),
  at: integer().notNull(),
  exitCode: integer('exit_code'),
  signal: integer(),
});

/** `login` and `process` are no foreign keys: a connection is recorded whatever else is known. */
export const hops = sqliteTable(
  'hops',
  {
    seq: integer().primaryKey(),
    id: text().notNull(),
    login: text(),
    process: integer(),
    /** JSON array: the programs from the login to the process, as they were when it connected. */
    chain: text().notNull(),
    target: text(),
    name: text(),
    transport: text().notNull(),
    protocol: text().notNull(),
    address: text().notNull(),
    port: integer().notNull(),
    started: integer().notNull(),
    mode: text().notNull(),
    /** With these two a direct connection can be closed by a daemon that did not see it begin. */
    sourceAddress: text('source_address'),
    sourcePort: integer('source_port'),
  },
  (t) => [
    uniqueIndex('hops_id').on(t.id),
    index('hops_login').on(t.login, t.started),
    index('hops_target').on(t.target, t.started),
    index('hops_name').on(t.name, t.started),
    index('hops_address').on(t.address, t.started),
    index('hops_started').on(t.started),
  ],
);

const hop = () =>
  text()
    .notNull()
    .references((): AnySQLiteColumn => hops.id);

export const hopEnds = sqliteTable('hop_ends', {
  hop: text()
    .primaryKey()
    .references(() => hops.id),
  at: integer().notNull(),
  bytesUp: integer('bytes_up'),
  bytesDown: integer('bytes_down'),
  reason: text(),
});

/** The proxy's own end towards a hop's destination, as that one sees it. */
export const hopDials = sqliteTable(
  'hop_dials',
  {
    hop: text()
      .primaryKey()
      .references(() => hops.id),
    address: text().notNull(),
    port: integer().notNull(),
  },
  (t) => [index('hop_dials_source').on(t.port, t.address)],
);

/** A login on another host that came by a hop of this one, as that host says. */
export const hopChildren = sqliteTable(
  'hop_children',
  {
    hop: hop(),
    host: text().notNull(),
    login: text().notNull(),
    at: integer().notNull(),
  },
  (t) => [primaryKey({ columns: [t.hop, t.host, t.login] }), index('hop_children_login').on(t.login)],
);

/** `action` 0 is the decision about the hop itself; the latest row of a hop or action is the one in force. */
export const decisions = sqliteTable(
  'decisions',
  {
    seq: integer().primaryKey(),
    hop: hop(),
    action: integer().notNull(),
    at: integer().notNull(),
    outcome: text().notNull(),
    policies: text().notNull(),
    reason: text().notNull(),
    observed: integer().notNull(),
    errors: text().notNull(),
    version: text().notNull(),
  },
  (t) => [
    uniqueIndex('decisions_hop').on(t.hop, t.action, t.at),
    // Refusals are few and asked for often: without it, finding them reads every hop.
    index('decisions_refused').on(t.outcome, t.hop).where(sql`outcome <> 'allow'`),
  ],
);

export const actions = sqliteTable(
  'actions',
  {
    id: integer().primaryKey(),
    hop: hop(),
    /** 1, 2, … within the hop. */
    seq: integer().notNull(),
    kind: text().notNull(),
    at: integer().notNull(),
    subject: text().notNull(),
    detail: text().notNull(),
    /** As it began; a decision of its own comes before it. Actions of a hop that were decided alike have one row. */
    decision: integer().references(() => decisions.seq),
  },
  (t) => [uniqueIndex('actions_hop').on(t.hop, t.seq), index('actions_at').on(t.at)],
);

/** What became of an action. */
export const actionEnds = sqliteTable(
  'action_ends',
  {
    hop: hop(),
    seq: integer().notNull(),
    at: integer().notNull(),
    detail: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.hop, t.seq] })],
);

/** What was kept of a hop beside its actions, or of a login; the bytes are in a file. */
export const recordings = sqliteTable(
  'recordings',
  {
    seq: integer().primaryKey(),
    id: text().notNull(),
    /** Either this or a login. */
    hop: text().references((): AnySQLiteColumn => hops.id),
    login: text().references((): AnySQLiteColumn => logins.id),
    /** `rows`, `terminal`, … */
    kind: text().notNull(),
    /** Below the directory of recordings. */
    file: text().notNull(),
    started: integer().notNull(),
  },
  (t) => [
    uniqueIndex('recordings_id').on(t.id),
    index('recordings_hop').on(t.hop),
    index('recordings_login').on(t.login).where(sql`login IS NOT NULL`),
    index('recordings_started').on(t.started),
  ],
);

const recording = () =>
  text()
    .primaryKey()
    .references((): AnySQLiteColumn => recordings.id);

export const recordingEnds = sqliteTable('recording_ends', {
  recording: recording(),
  at: integer().notNull(),
  /** Of the file, up to the end of its last whole segment; and of those bytes, in hexadecimal digits. */
  bytes: integer().notNull(),
  sha256: text().notNull(),
  /** Why it ended before its hop did; null where nothing is missing. */
  reason: text(),
});

/** The file is gone: it was kept as long as it was to be. */
export const recordingRemovals = sqliteTable('recording_removals', {
  recording: recording(),
  at: integer().notNull(),
  reason: text().notNull(),
});

/** A person was asked whether an action may go on. */
export const approvals = sqliteTable(
  'approvals',
  {
    /** The number that people answer to. */
    id: integer().primaryKey(),
    hop: hop(),
    /** Its number within the hop. */
    action: integer().notNull(),
    at: integer().notNull(),
    expires: integer().notNull(),
    /** As policies call who asks. */
    requester: text().notNull(),
    /** The host account, where there is one. */
    user: text(),
    /** JSON array: which policies ask, and whom. */
    asks: text().notNull(),
    reason: text().notNull(),
  },
  (t) => [index('approvals_hop').on(t.hop, t.action)],
);

export const approvalAnswers = sqliteTable('approval_answers', {
  approval: integer()
    .primaryKey()
    .references(() => approvals.id),
  at: integer().notNull(),
  outcome: text().notNull(),
  /** A person, by the name in identities.yaml; null where nobody answered. */
  by: text(),
  /** The login from which they did, and the uid that they had by then. */
  login: text(),
  uid: integer(),
  reason: text().notNull(),
});

export const handoffs = sqliteTable(
  'handoffs',
  {
    id: integer().primaryKey(),
    kind: text().notNull(),
    login: text(),
    process: integer(),
    toLogin: text('to_login'),
    toPid: integer('to_pid').notNull(),
    via: text().notNull(),
    at: integer().notNull(),
  },
  (t) => [
    index('handoffs_event').on(t.at, t.toPid),
    index('handoffs_login').on(t.login),
    index('handoffs_to_login').on(t.toLogin),
  ],
);

export const notices = sqliteTable(
  'notices',
  {
    id: integer().primaryKey(),
    at: integer().notNull(),
    kind: text().notNull(),
    login: text(),
    count: integer().notNull(),
    detail: text().notNull(),
  },
  (t) => [index('notices_at').on(t.at)],
);
