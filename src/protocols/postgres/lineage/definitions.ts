/**
 * Statements that define things: what they would make readable elsewhere, or change in what masks are found
 * by. Kinds that are not listed here are not understood, and so refused.
 */
import type { Node } from '@pgsql/types';
import { alterTable, changesMasked, lookAtCalls, putBelow, relationOf, rename } from './altered.ts';
import { runsText } from './builtins.ts';
import type { Context } from './context.ts';
import { Untraceable } from './errors.ts';
import { leak, leakInto } from './leaks.ts';
import { as, type Body, bodyOf, type Kind, kindOf, texts } from './nodes.ts';
import { below } from './scope.ts';
import { relationTouches } from './touches.ts';
import { search } from './walk.ts';

type Definition<K extends Kind> = (body: Body<K>, context: Context) => void;
type Definitions = { readonly [K in Kind]?: Definition<K> };

const always =
  (sentence: string) =>
  (_: unknown, context: Context): void =>
    context.report.leak(sentence);

const trigger = always('a trigger would be made, whose function would be given rows');
const foreign = always('rows would come from elsewhere, which could be the same columns without their masks');
const quiet = (): void => {};

/** Operators and aggregates call functions. */
function madeOf(body: Body<'DefineStmt'>, context: Context): void {
  const found = search(body.definition ?? [], (kind, node) => {
    const name = kind === 'String' ? ((node as Body<'String'>).sval ?? '') : '';
    return runsText(name) ? name : null;
  });
  if (found !== null) context.report.leak(`${found}, which would be called by it, runs a text as SQL`);
}

/** Who reads the table runs what the policy says, whose errors quote values that no statement names. */
function policy(body: Body<'CreatePolicyStmt'> | Body<'AlterPolicyStmt'>, context: Context): void {
  lookAtCalls(body, context);
  const found = search([body.qual, body.with_check], (kind, node) => {
    if (kind !== 'RangeVar') return null;
    const relation = relationOf(node as Body<'RangeVar'>, context);
    return relation === null || relationTouches(relation, context)
      ? ((node as Body<'RangeVar'>).relname ?? '')
      : null;
  });
  if (found !== null) context.report.leak(`a policy would read ${found}, which may have masked columns`);
}

const DEFINITIONS: Definitions = {
  AlterTableStmt: alterTable,
  RenameStmt: rename,
  AlterObjectSchemaStmt: ({ relation }, context) =>
    changesMasked(
      relation === undefined ? null : relationOf(relation, context),
      'put into another schema',
      context,
    ),
  ViewStmt: ({ view, query, aliases }, context) => {
    if (query === undefined) return;
    const { columns } = context.query(query, below(null), context);
    const names = texts(aliases);
    for (const [at, { name, flow }] of columns.entries())
      leak(flow, `shown by the view ${view?.relname}, column ${names[at] ?? name}`, context);
  },
  CreateTableAsStmt: ({ query, into, objtype }, context) => {
    if (query === undefined) return;
    if (as(query, 'ExecuteStmt') !== null) {
      context.report.leak(`the rows of a prepared statement would be stored in ${into?.rel?.relname}`);
      return;
    }
    const { columns } = context.query(query, below(null), context);
    const empty = into?.skipData === true && objtype === 'OBJECT_TABLE';
    if (!empty) leakInto(columns, `${into?.rel?.relname}`, context);
  },
  CreateSchemaStmt: ({ schemaElts = [] }, context) => {
    for (const node of schemaElts)
      if (!define(node, context)) throw new Untraceable('what CREATE SCHEMA would make is not understood');
  },
  CreateStmt: (body, context) => {
    lookAtCalls(body, context);
    for (const node of body.inhRelations ?? []) putBelow(as(node, 'RangeVar') ?? undefined, context);
  },
  IndexStmt: lookAtCalls,
  CreateStatsStmt: lookAtCalls,
  CreatePolicyStmt: policy,
  AlterPolicyStmt: policy,
  CreateDomainStmt: lookAtCalls,
  AlterDomainStmt: lookAtCalls,
  DefineStmt: madeOf,
  CompositeTypeStmt: quiet,
  CreateEnumStmt: quiet,
  AlterEnumStmt: quiet,
  CreateRangeStmt: quiet,
  AlterTypeStmt: quiet,
  CreateCastStmt: ({ func }, context) => {
    if (func !== undefined)
      context.report.leak('a cast would be made, whose function could read masked columns');
  },
  CreateSeqStmt: quiet,
  AlterSeqStmt: quiet,
  CreateExtensionStmt: quiet,
  AlterExtensionStmt: quiet,
  AlterFunctionStmt: ({ actions = [] }, context) => {
    if (actions.some((node) => as(node, 'DefElem')?.defname === 'volatility'))
      context.report.leak(
        'a function would be declared to be another kind: what it may read is told by that',
      );
  },
  AlterOwnerStmt: quiet,
  AlterStatsStmt: quiet,
  AlterObjectDependsStmt: quiet,
  AlterDefaultPrivilegesStmt: quiet,
  CreateRoleStmt: quiet,
  AlterRoleStmt: quiet,
  AlterRoleSetStmt: quiet,
  DropRoleStmt: quiet,
  GrantStmt: quiet,
  GrantRoleStmt: quiet,
  DropOwnedStmt: quiet,
  ReassignOwnedStmt: quiet,
  DropStmt: quiet,
  TruncateStmt: quiet,
  CommentStmt: quiet,
  SecLabelStmt: quiet,
  RefreshMatViewStmt: quiet,
  AlterDatabaseStmt: quiet,
  AlterDatabaseSetStmt: quiet,
  AlterDatabaseRefreshCollStmt: quiet,
  DropdbStmt: quiet,
  CreatedbStmt: ({ options = [] }, context) => {
    if (options.some((node) => as(node, 'DefElem')?.defname === 'template'))
      context.report.leak('a database would be made of another, with its rows');
  },
  CreateTrigStmt: trigger,
  CreateEventTrigStmt: trigger,
  RuleStmt: always('a rule would be made, which turns statements into others'),
  CreateFunctionStmt: always('a function would be made, whose body could read masked columns'),
  DoStmt: always('a block of code would run, which could read masked columns and tell them in messages'),
  CreatePublicationStmt: always('rows would be sent to subscribers, without masks'),
  AlterPublicationStmt: always('rows would be sent to subscribers, without masks'),
  CreateSubscriptionStmt: foreign,
  AlterSubscriptionStmt: foreign,
  CreateFdwStmt: foreign,
  AlterFdwStmt: foreign,
  CreateForeignServerStmt: foreign,
  AlterForeignServerStmt: foreign,
  CreateUserMappingStmt: foreign,
  AlterUserMappingStmt: foreign,
  CreateForeignTableStmt: foreign,
  ImportForeignSchemaStmt: foreign,
};

/** False: it is no definition that is known. */
export function define(node: Node, context: Context): boolean {
  const kind = kindOf(node);
  const definition = kind === null ? undefined : (DEFINITIONS[kind] as Definition<Kind> | undefined);
  definition?.(bodyOf(node) as Body<Kind>, context);
  return definition !== undefined;
}
