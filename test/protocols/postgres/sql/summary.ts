/** A statement on one line, as the files in cases/ have it: what is empty, null or false is left out. */
import type { Analysis, Relation, Statement } from '../../../../src/protocols/postgres/sql/index.ts';

/** A name is quoted where it would otherwise read as something else. */
const name = (text: string): string => (/^[^". ,;|]+$/.test(text) ? text : `"${text}"`);

const relation = ({ schema, name: own }: Relation): string =>
  schema === null ? name(own) : `${name(schema)}.${name(own)}`;

function list(title: string, values: readonly string[]): string[] {
  return values.length === 0 ? [] : [`${title} ${values.join(', ')}`];
}

function fields(statement: Statement): string[] {
  const { where, limit, role, prepared, cursor, runs, transaction, unknown, inner } = statement;
  return [
    `${statement.verb}: ${statement.kinds.join(' ') || 'nothing'}`,
    ...list('reads', statement.reads.map(relation)),
    ...list('writes', statement.writes.map(relation)),
    ...list('columns', statement.columns),
    ...list('calls', statement.functions),
    ...(where === null ? [] : [where ? 'where' : 'no where']),
    ...(limit ? ['limit'] : []),
    ...list('role', role === null ? [] : [role]),
    ...list('prepared', prepared === null ? [] : [prepared]),
    ...list('cursor', cursor === null ? [] : [cursor]),
    ...list('transaction', transaction === null ? [] : [transaction]),
    ...list('unknown', unknown),
    ...(inner === null ? [] : [`${runs ? 'runs' : 'holds'} {${inner.text}}`]),
  ];
}

/** One line for the error, if there is one, and for each statement. */
export function summary({ statements, error }: Analysis): string[] {
  const lines = statements.map((statement) => fields(statement).join(' | '));
  return error === null ? lines : [`error at ${error.cursor}`, ...lines];
}
