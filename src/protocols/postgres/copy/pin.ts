/**
 * A COPY statement that says its encoding itself.
 *
 * Threat: the server tells of a new client_encoding only before ReadyForQuery (since version 14), and a SET in the same
 * message, or a function that the copied query calls, may have changed it before the copy begins. Where the rows are
 * then in an encoding in which a byte of a character looks like a backslash or the delimiter, who chooses the values
 * of one column decides where the next begins. So what is masked is copied in the encoding that it is read in.
 */
import type { CopyStmt } from '@pgsql/types';
import { as } from '../sql/nodes.ts';
import { parse } from '../sql/parse.ts';
import type { CopyFormat } from './options.ts';

/**
 * @param text one COPY statement, without a semicolon, comments and white space behind it (`Statement.text`)
 * @returns what is to run in its place; null where that cannot be written
 */
export function pinned(text: string, { encoding, pinned }: CopyFormat): string | null {
  if (pinned) return text;
  const option = `ENCODING '${encoding}'`;
  // A list of options is never empty, and nothing else that COPY … TO STDOUT may end in is a parenthesis.
  const written = text.endsWith(')') ? `${text.slice(0, -1)}, ${option})` : `${text} ${option}`;
  const [before, after] = [copyOf(text), copyOf(written)];
  if (before === null || after === null) return null;
  const expected = [
    ...(before.options ?? []),
    { DefElem: { defname: 'encoding', arg: { String: { sval: encoding } } } },
  ];
  return same({ ...before, options: expected }, after) ? written : null;
}

function copyOf(text: string): CopyStmt | null {
  const { tree } = parse(text);
  const [first, ...more] = tree?.stmts ?? [];
  return more.length === 0 ? as(first?.stmt, 'CopyStmt') : null;
}

/** Places in the text, and what the parser says of every option, left out. */
function same(before: CopyStmt, after: CopyStmt): boolean {
  const shown = (node: unknown): string =>
    JSON.stringify(node, (key, value) => (key === 'location' || key === 'defaction' ? undefined : value));
  return shown(before) === shown(after);
}
