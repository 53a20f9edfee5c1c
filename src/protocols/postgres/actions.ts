/** A statement as policies read it and as the record keeps it. */
import type { Facts } from '../room.ts';
import type { Relation, Statement } from './sql/statement.ts';

/** Characters of a statement that the record keeps; what was cut is told. */
const KEPT = 65_536;
const SUBJECT = 200;
const BEYOND_ASCII = /[\u0080-\uffff]/;

/** What holds for the whole session. */
export interface SessionFacts {
  readonly database: string;
  /** The role that the client logged in to the database as. */
  readonly role: string;
}

/**
 * The context of `query`. A relation is in `tables`, `reads` and `writes` by its bare name, and by `schema.name` where
 * the statement says the schema: which schema a bare name means, the search path decides, so a policy that is to hold
 * names the table alone.
 */
export function factsOf(statement: Statement, session: SessionFacts): Facts {
  const { verb, kinds, columns, functions, where, limit, role, unknown } = statement;
  const reads = namesOf(statement.reads);
  const writes = namesOf(statement.writes);
  return {
    database: session.database,
    databaseUser: session.role,
    verb,
    kinds,
    tables: [...new Set([...reads, ...writes])],
    reads,
    writes,
    columns,
    functions,
    unconditional: where === false,
    limited: limit,
    known: unknown.length === 0,
    ...(role === null ? {} : { role }),
  };
}

const NOTHING: Facts = {
  database: '',
  databaseUser: '',
  verb: '',
  kinds: [],
  tables: [],
  reads: [],
  writes: [],
  columns: [],
  functions: [],
  unconditional: false,
  limited: false,
  known: true,
};

/** A request to stop what another connection runs. */
export const CANCEL_FACTS: Facts = { ...NOTHING, verb: 'cancel', kinds: ['utility'] };

/** A connection that copies the database as its replicas do: of what it says, nothing is SQL. */
export function replicationFacts({ database, role }: SessionFacts): Facts {
  return { ...NOTHING, database, databaseUser: role, verb: 'replication', kinds: ['unknown'], known: false };
}

/** Becoming another role as the session begins. */
export function roleFacts({ database, role }: SessionFacts, becomes: string): Facts {
  const kinds = ['privilege', 'session'];
  return { ...NOTHING, database, databaseUser: role, verb: 'set', kinds, role: becomes };
}

function namesOf(relations: readonly Relation[]): string[] {
  const names = relations.flatMap(({ schema, name }) =>
    schema === null ? [name] : [name, `${schema}.${name}`],
  );
  // A database of a one-byte encoding folds letters beyond ASCII too (downcase_identifier in scansup.c).
  const folded = names.filter((name) => BEYOND_ASCII.test(name)).map((name) => name.toLowerCase());
  return [...new Set([...names, ...folded])];
}

/** What the record keeps. Parameters are values, so they come beside the text. */
export function detailOf(
  statement: Statement,
  session: SessionFacts,
  parameters: readonly (string | null)[] | null,
): Record<string, unknown> {
  const { text, cut } = kept(withoutPasswords(statement));
  return {
    database: session.database,
    databaseUser: session.role,
    statement: text,
    ...(cut > 0 ? { cut } : {}),
    ...(parameters === null ? {} : { parameters }),
    verb: statement.verb,
    kinds: statement.kinds,
    reads: statement.reads.map(shown),
    writes: statement.writes.map(shown),
    functions: statement.functions,
    ...(statement.unknown.length === 0 ? {} : { unknown: statement.unknown }),
  };
}

export function subjectOf(statement: Statement): string {
  const relations = [...statement.writes, ...statement.reads].map(shown);
  const line = [statement.verb, ...new Set(relations)].join(' ');
  return line.length <= SUBJECT ? line : `${line.slice(0, SUBJECT - 1).toWellFormed()}…`;
}

function shown({ schema, name }: Relation): string {
  return schema === null ? name : `${schema}.${name}`;
}

/** Statements that set a password hold it in a literal, and a record is read by many. */
function withoutPasswords({ text, verb }: Statement): string {
  if (!/^(?:create|alter|set|select|do|unknown)$/.test(verb) || !/passw|secret|token/i.test(text))
    return text;
  return text.replace(/'(?:[^'\\]|''|\\.)*'?|\$(\w*)\$[\s\S]*?(?:\$\1\$|$)/g, "'…'");
}

/** Whether the record has all of it, so that somebody who is asked sees what they say yes to. */
export function isShownWhole({ text }: Statement): boolean {
  return text.length <= KEPT;
}

function kept(text: string): { text: string; cut: number } {
  if (text.length <= KEPT) return { text, cut: 0 };
  return { text: text.slice(0, KEPT).toWellFormed(), cut: text.length - KEPT };
}
