/** What a statement reaches that it does not name, as a reason why it is not known. */
import type { AlterPublicationStmt, CreatePublicationStmt, VariableSetStmt } from '@pgsql/types';
import { as, type Of, type Tag } from './nodes.ts';
import type { HandlerMap } from './walker.ts';

const DEPENDS = 'what depends on it, which goes too';
const OWNED = 'everything that a role owns';
const FOREIGN = 'what lies behind a foreign table';
const SUBSCRIBED = 'rows that another server sends';

type Reasons = { readonly [T in Tag]?: (node: Of<T>) => string | null };

function published({
  for_all_tables: all,
  pubobjects,
}: CreatePublicationStmt | AlterPublicationStmt): string | null {
  const schemas = (pubobjects ?? []).some((node) =>
    /SCHEMA/.test(as(node, 'PublicationObjSpec')?.pubobjtype ?? ''),
  );
  return all || schemas ? 'all relations of a schema or database' : null;
}

/** Settings by which statements themselves are read: a session that begins, or a reload, gets them unseen. */
const READING: ReadonlySet<string> = new Set([
  'client_encoding',
  'standard_conforming_strings',
  'backslash_quote',
]);
const reading = ({ setstmt }: { readonly setstmt?: VariableSetStmt }): string | null =>
  READING.has(setstmt?.name?.toLowerCase() ?? '') ? 'how statements are read' : null;

const REASONS: Reasons = {
  DropStmt: ({ behavior }) => (behavior === 'DROP_CASCADE' ? DEPENDS : null),
  TruncateStmt: ({ behavior }) =>
    behavior === 'DROP_CASCADE' ? 'what refers to it, which is emptied too' : null,
  DropOwnedStmt: () => OWNED,
  ReassignOwnedStmt: () => OWNED,
  DropdbStmt: () => 'everything in a database',
  RenameStmt: ({ renameType }) => (renameType === 'OBJECT_SCHEMA' ? 'everything in a schema' : null),
  GrantStmt: ({ targtype, objtype }) =>
    targtype === 'ACL_TARGET_ALL_IN_SCHEMA' && (objtype === 'OBJECT_TABLE' || objtype === 'OBJECT_SEQUENCE')
      ? 'everything in a schema'
      : null,
  AlterTableMoveAllStmt: () => 'everything in a tablespace',
  CreatePublicationStmt: published,
  AlterPublicationStmt: published,
  CreateSubscriptionStmt: () => SUBSCRIBED,
  AlterSubscriptionStmt: () => SUBSCRIBED,
  CreateExtensionStmt: ({ extname }) => `the script of extension ${extname}`,
  AlterExtensionStmt: ({ extname }) => `the script of extension ${extname}`,
  CreateForeignTableStmt: () => FOREIGN,
  ImportForeignSchemaStmt: () => FOREIGN,
  AlterTableCmd: ({ subtype }) => (/GenericOptions$/.test(subtype ?? '') ? FOREIGN : null),
  AlterSystemStmt: reading,
  AlterRoleSetStmt: reading,
  AlterDatabaseSetStmt: reading,
};

/** The same handlers, which say the reason besides. */
export function withReasons(handlers: HandlerMap): HandlerMap {
  const all = new Map(handlers);
  for (const [tag, reason] of Object.entries(REASONS) as [string, (node: object) => string | null][]) {
    const handler = handlers.get(tag);
    all.set(tag, (node, scope, walker) => {
      const unknown = reason(node);
      if (unknown !== null) walker.found.unknown.add(unknown);
      if (handler === undefined) walker.walk(node, scope);
      else handler(node, scope, walker);
    });
  }
  return all;
}
