/**
 * The first word of each statement's command tag (`CreateCommandTag` in utility.c), and kinds where the type alone
 * decides.
 */
import type { Node } from '@pgsql/types';
import { as, type Tag } from './nodes.ts';
import type { Kind, TransactionVerb } from './statement.ts';

interface Facts {
  readonly verb: string;
  readonly kinds: readonly Kind[];
}

const FACTS: { readonly [T in Tag]?: Facts } = {
  SelectStmt: { verb: 'select', kinds: [] },
  InsertStmt: { verb: 'insert', kinds: [] },
  UpdateStmt: { verb: 'update', kinds: [] },
  DeleteStmt: { verb: 'delete', kinds: [] },
  MergeStmt: { verb: 'merge', kinds: [] },
  CopyStmt: { verb: 'copy', kinds: ['copy'] },
  TruncateStmt: { verb: 'truncate', kinds: ['write'] },
  CallStmt: { verb: 'call', kinds: ['execute'] },
  DoStmt: { verb: 'do', kinds: ['execute'] },
  ExecuteStmt: { verb: 'execute', kinds: ['execute'] },
  PrepareStmt: { verb: 'prepare', kinds: ['session'] },
  DeallocateStmt: { verb: 'deallocate', kinds: ['session'] },
  DeclareCursorStmt: { verb: 'declare', kinds: ['session'] },
  ClosePortalStmt: { verb: 'close', kinds: ['session'] },
  ExplainStmt: { verb: 'explain', kinds: ['utility'] },
  VariableShowStmt: { verb: 'show', kinds: ['session'] },
  DiscardStmt: { verb: 'discard', kinds: ['session'] },
  ConstraintsSetStmt: { verb: 'set', kinds: ['transaction'] },
  ListenStmt: { verb: 'listen', kinds: ['session'] },
  UnlistenStmt: { verb: 'unlisten', kinds: ['session'] },
  NotifyStmt: { verb: 'notify', kinds: ['utility'] },
  LoadStmt: { verb: 'load', kinds: ['session', 'file'] },
  LockStmt: { verb: 'lock', kinds: ['transaction'] },
  CheckPointStmt: { verb: 'checkpoint', kinds: ['utility'] },
  ClusterStmt: { verb: 'cluster', kinds: ['utility'] },
  ReindexStmt: { verb: 'reindex', kinds: ['utility'] },
  RefreshMatViewStmt: { verb: 'refresh', kinds: ['write', 'utility'] },
  CommentStmt: { verb: 'comment', kinds: ['ddl'] },
  SecLabelStmt: { verb: 'security', kinds: ['ddl', 'privilege'] },
  ReassignOwnedStmt: { verb: 'reassign', kinds: ['ddl', 'privilege'] },
  ImportForeignSchemaStmt: { verb: 'import', kinds: ['ddl'] },
  AlterDefaultPrivilegesStmt: { verb: 'alter', kinds: ['privilege'] },
  AlterSystemStmt: { verb: 'alter', kinds: ['privilege', 'utility'] },
  AlterRoleSetStmt: { verb: 'alter', kinds: ['privilege'] },
  AlterRoleStmt: { verb: 'alter', kinds: ['ddl', 'privilege'] },
  CreateRoleStmt: { verb: 'create', kinds: ['ddl', 'privilege'] },
  DropRoleStmt: { verb: 'drop', kinds: ['ddl', 'privilege'] },
  DropOwnedStmt: { verb: 'drop', kinds: ['ddl', 'privilege'] },
  CreateUserMappingStmt: { verb: 'create', kinds: ['ddl', 'privilege'] },
  AlterUserMappingStmt: { verb: 'alter', kinds: ['ddl', 'privilege'] },
  DropUserMappingStmt: { verb: 'drop', kinds: ['ddl', 'privilege'] },
  ViewStmt: { verb: 'create', kinds: ['ddl'] },
  RuleStmt: { verb: 'create', kinds: ['ddl'] },
  IndexStmt: { verb: 'create', kinds: ['ddl'] },
  DefineStmt: { verb: 'create', kinds: ['ddl'] },
  CompositeTypeStmt: { verb: 'create', kinds: ['ddl'] },
  RenameStmt: { verb: 'alter', kinds: ['ddl'] },
  /** The body of a function: RETURN expression. */
  ReturnStmt: { verb: 'return', kinds: [] },
};

const TRANSACTIONS: Readonly<Record<string, readonly [verb: string, does: TransactionVerb]>> = {
  TRANS_STMT_BEGIN: ['begin', 'begin'],
  TRANS_STMT_START: ['start', 'begin'],
  TRANS_STMT_COMMIT: ['commit', 'commit'],
  TRANS_STMT_ROLLBACK: ['rollback', 'rollback'],
  TRANS_STMT_SAVEPOINT: ['savepoint', 'savepoint'],
  TRANS_STMT_RELEASE: ['release', 'release'],
  TRANS_STMT_ROLLBACK_TO: ['rollback', 'rollback to'],
  TRANS_STMT_PREPARE: ['prepare', 'prepare'],
  TRANS_STMT_COMMIT_PREPARED: ['commit', 'commit prepared'],
  TRANS_STMT_ROLLBACK_PREPARED: ['rollback', 'rollback prepared'],
};

export const UNKNOWN_STATEMENT = 'a statement that is not known here';

const DEFINITION = /^(?:Create|Alter|Drop)/;

/** What the type of a statement says by itself; the verb `unknown` for a type that PostgreSQL 18 does not have. */
export function factsOf(
  tag: Tag | null,
  node: Node,
): Facts & { readonly transaction: TransactionVerb | null } {
  const transaction = TRANSACTIONS[as(node, 'TransactionStmt')?.kind ?? ''];
  if (transaction !== undefined)
    return { verb: transaction[0], kinds: ['transaction'], transaction: transaction[1] };
  return { ...plainFacts(tag, node), transaction: null };
}

function plainFacts(tag: Tag | null, node: Node): Facts {
  const setting = as(node, 'VariableSetStmt');
  if (setting !== null) return { verb: /RESET/.test(setting.kind ?? '') ? 'reset' : 'set', kinds: [] };
  const creates = as(node, 'CreateTableAsStmt');
  if (creates !== null) return { verb: creates.is_select_into ? 'select' : 'create', kinds: ['ddl'] };
  const grant = as(node, 'GrantStmt') ?? as(node, 'GrantRoleStmt');
  if (grant !== null) return { verb: grant.is_grant ? 'grant' : 'revoke', kinds: ['privilege'] };
  const vacuum = as(node, 'VacuumStmt');
  if (vacuum !== null) return { verb: vacuum.is_vacuumcmd ? 'vacuum' : 'analyze', kinds: ['utility'] };
  const fetch = as(node, 'FetchStmt');
  if (fetch !== null) return { verb: fetch.ismove ? 'move' : 'fetch', kinds: ['read'] };
  const facts = tag === null ? undefined : FACTS[tag];
  if (facts !== undefined) return facts;
  const definition = DEFINITION.exec(tag ?? '');
  if (definition !== null) return { verb: definition[0].toLowerCase(), kinds: ['ddl'] };
  return { verb: 'unknown', kinds: [] };
}
