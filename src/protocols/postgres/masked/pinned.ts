/** The text of a message whose copies say their encoding themselves, where they are masked: see copy/pin.ts. */
import { copyOut, pinned } from '../copy/index.ts';
import { as } from '../sql/nodes.ts';
import { parse } from '../sql/parse.ts';
import type { Statement } from '../sql/statement.ts';
import type { Encoding } from '../text.ts';

export interface Message {
  readonly text: string;
  readonly statements: readonly Statement[];
}

/**
 * @param message statements with their places in `text`
 * @param encoding the session's client_encoding
 * @returns the same object where nothing is to be written anew. What cannot be written stays, and is refused later
 */
export function pinnedMessage(message: Message, encoding: string): Message {
  if (message.statements.every(({ verb }) => verb !== 'copy')) return message;
  let text = '';
  let from = 0;
  const statements = message.statements.map((statement): Statement => {
    text += message.text.slice(from, statement.start);
    from = statement.start + statement.length;
    const written = statement.verb === 'copy' ? pinnedText(statement.text, encoding) : statement.text;
    const placed = { ...statement, text: written, start: text.length, length: written.length };
    text += written;
    return placed;
  });
  text += message.text.slice(from);
  return text === message.text ? message : { text, statements };
}

/** As the server gets it; null: as it came. What cannot be written again as it came stays as it is, and is refused. */
export function pinnedFor(
  masking: { readonly observed: boolean } | null,
  text: string | null,
  statements: readonly Statement[],
  encoding: Encoding,
): Message | null {
  if (masking === null || masking.observed || text === null) return null;
  const written = pinnedMessage({ text, statements }, encoding.name);
  return written.text === text || encoding.text(encoding.bytes(written.text)) !== written.text
    ? null
    : written;
}

function pinnedText(text: string, encoding: string): string {
  const copy = as(parse(text).tree?.stmts?.[0]?.stmt, 'CopyStmt');
  if (copy === null || copy.is_from === true || copy.filename !== undefined) return text;
  const out = copyOut(copy, encoding);
  return out.outcome === 'copy' ? (pinned(text, out.copy) ?? text) : text;
}
