/** What is known about a statement before it runs: names as written, nothing looked up in a catalogue. */

/** What a statement does. `unknown` is there exactly when `Statement.unknown` says something. */
export const KINDS = [
  /** Rows come back or are copied from somewhere. */
  'read',
  /** Rows of a table are made, changed or removed. */
  'write',
  'ddl',
  /** Who may do what, and as whom: GRANT, roles, owners, row security, SET ROLE, SET SESSION AUTHORIZATION. */
  'privilege',
  'transaction',
  /** Lasts in the session: SET, PREPARE, LISTEN, DISCARD … */
  'session',
  'copy',
  /**
   * A program of the server's machine runs: COPY … PROGRAM, a foreign table that is one, a command in ALTER SYSTEM.
   */
  'program',
  /** Files of the server's machine: COPY … '/path', pg_read_file, lo_export, LOAD, functions in C … */
  'file',
  /** Runs what is stored or written in it: CALL, DO, EXECUTE. */
  'execute',
  'utility',
  'unknown',
] as const;

export type Kind = (typeof KINDS)[number];

/**
 * As written, folded and cut as PostgreSQL does. A database before the schema is left out: it can only be the
 * session's own.
 */
export interface Relation {
  readonly schema: string | null;
  readonly name: string;
}

export type TransactionVerb =
  | 'begin'
  | 'commit'
  | 'rollback'
  | 'savepoint'
  | 'release'
  | 'rollback to'
  | 'prepare'
  | 'commit prepared'
  | 'rollback prepared';

export interface Statement {
  /** Its piece of the message, without the semicolon and the white space around it. */
  readonly text: string;
  /** Where `text` lies in the message, in UTF-16 units as `String.slice` takes them. */
  readonly start: number;
  readonly length: number;
  /**
   * The first word of the command tag in lower case: `select` for VALUES and TABLE too, `alter` for renaming. It is
   * the tag that PostgreSQL logs (`CreateCommandTag`): CREATE TABLE AS completes as SELECT, EXECUTE as what it ran.
   */
  readonly verb: string;
  /** In the order of KINDS. */
  readonly kinds: readonly Kind[];
  /**
   * Relations whose rows it takes, or that a definition in it rests on. INSERT, UPDATE, DELETE and MERGE read their
   * target where they have RETURNING. What a view or function has below it is not here.
   */
  readonly reads: readonly Relation[];
  /**
   * Relations whose rows, definition or privileges it changes, or that it keeps from being changed (LOCK), or that it
   * makes a name for by which they can be (CREATE VIEW of one that can be written).
   */
  readonly writes: readonly Relation[];
  /**
   * Columns it names, aliases of a select list left out; `*` for every way to have all of them: a star, a whole row,
   * COPY or INSERT without a list, NATURAL JOIN, columns renamed by position.
   */
  readonly columns: readonly string[];
  /**
   * Functions it calls, as `name` or `schema.name` (a part with a dot or a quote in it is quoted). `(x).f` may be a
   * call of f, and is here. Operators, casts, triggers, defaults and views call functions that are not here.
   */
  readonly functions: readonly string[];
  /**
   * Whether it has a condition at top level; null where nothing could have one. A condition that names no column and
   * no relation is none (`true`, `1 = 1`, `$1`), nor is `x = x`, nor what is joined with those by OR. False where
   * any UPDATE, DELETE or MERGE in it has none, in CTEs, DO bodies and the like too.
   */
  readonly where: boolean | null;
  /** LIMIT or FETCH FIRST with a count, at top level. */
  readonly limit: boolean;
  /**
   * Whom SET ROLE or SET SESSION AUTHORIZATION names, by `set_config` too, or as a setting of a role, a database or a
   * function; `none` (no role can have that name) for going back.
   */
  readonly role: string | null;
  /** The name in PREPARE, EXECUTE and DEALLOCATE; null for DEALLOCATE ALL. */
  readonly prepared: string | null;
  /** The name in DECLARE, FETCH, MOVE and CLOSE; null for CLOSE ALL. */
  readonly cursor: string | null;
  /** The statement in PREPARE, DECLARE and EXPLAIN, its place counted in the same message. */
  readonly inner: Statement | null;
  /** The inner statement runs: a cursor's, or EXPLAIN ANALYZE's. Its kinds are then among this one's. */
  readonly runs: boolean;
  readonly transaction: TransactionVerb | null;
  /** Nothing is in `unknown`. */
  readonly known: boolean;
  /**
   * What can't be known from the text, each a short reason; the lists above are then not the whole truth. It may be
   * relations that are reached without a name: by CASCADE, `ALL TABLES`, a schema, a row of a system catalogue.
   */
  readonly unknown: readonly string[];
}

/** A message (Query) or a statement to prepare (Parse). */
export interface Analysis {
  /**
   * In order, empty ones left out. Where the text could not be parsed: one, of the verb `unknown`, for all of it.
   */
  readonly statements: readonly Statement[];
  /**
   * The grammar of PostgreSQL 18 refuses it. A server of that version says the same and runs nothing of the
   * message; another version, or a fork, may not.
   */
  readonly error: { readonly message: string; readonly cursor: number } | null;
  /**
   * The message with `?` for literals, one space between tokens and folded names: the same for statements that
   * differ only in those. Null where literals matter or the text is not SELECT, INSERT, UPDATE, DELETE, MERGE (and
   * BEGIN, COMMIT …).
   */
  readonly normalised: string | null;
}

/** What cannot be read is one statement, of which nothing is known but why. */
export function notUnderstood(text: string, reason: string, start = 0): Statement {
  return {
    text,
    start,
    length: text.length,
    verb: 'unknown',
    kinds: ['unknown'],
    reads: [],
    writes: [],
    columns: [],
    functions: [],
    where: null,
    limit: false,
    role: null,
    prepared: null,
    cursor: null,
    inner: null,
    runs: false,
    transaction: null,
    known: false,
    unknown: [reason],
  };
}
