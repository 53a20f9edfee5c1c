/** EXECUTE and FETCH, once a session knows what was prepared or declared under the name. */
import { KINDS, type Relation, type Statement } from './statement.ts';
import { UNKNOWN_CURSOR, UNKNOWN_PREPARED } from './utilities.ts';

/**
 * A session's names: the statement inside of the PREPARE, Parse or DECLARE that made them, null where there is none.
 */
export interface Names {
  prepared(name: string): Statement | null;
  cursor(name: string): Statement | null;
}

function together(one: readonly Relation[], other: readonly Relation[]): readonly Relation[] {
  const more = other.filter(
    ({ schema, name }) => !one.some((each) => each.schema === schema && each.name === name),
  );
  return [...one, ...more];
}

/** What the inner statement says is said of the outer one as well, in place of the reason that it was not known. */
function joined(outer: Statement, inner: Statement, reasons: readonly string[], runs: boolean): Statement {
  const unknown = [
    ...new Set([...outer.unknown.filter((each) => !reasons.includes(each)), ...inner.unknown]),
  ];
  const kinds = new Set([...outer.kinds, ...(runs ? inner.kinds : [])]);
  kinds.delete('unknown');
  if (unknown.length > 0) kinds.add('unknown');
  return {
    ...outer,
    kinds: KINDS.filter((kind) => kinds.has(kind)),
    reads: together(outer.reads, inner.reads),
    writes: together(outer.writes, inner.writes),
    columns: [...new Set([...outer.columns, ...inner.columns])],
    functions: [...new Set([...outer.functions, ...inner.functions])],
    where: inner.where,
    limit: inner.limit,
    role: runs ? (outer.role ?? inner.role) : outer.role,
    inner,
    runs,
    known: unknown.length === 0,
    unknown,
  };
}

/**
 * The statement with what it names filled in: EXECUTE (also in EXPLAIN and CREATE TABLE AS) has then the prepared
 * statement as `inner`, FETCH the cursor's. One whose name is not known stays as it is.
 */
export function resolve(statement: Statement, names: Names): Statement {
  const { inner, prepared, cursor, unknown } = statement;
  if (inner !== null) {
    const resolved = resolve(inner, names);
    return resolved === inner ? statement : joined(statement, resolved, inner.unknown, statement.runs);
  }
  const [named, reason] =
    prepared !== null && unknown.includes(UNKNOWN_PREPARED)
      ? [names.prepared(prepared), UNKNOWN_PREPARED]
      : cursor !== null && unknown.includes(UNKNOWN_CURSOR)
        ? [names.cursor(cursor), UNKNOWN_CURSOR]
        : [null, ''];
  return named === null ? statement : joined(statement, named, [reason], true);
}
