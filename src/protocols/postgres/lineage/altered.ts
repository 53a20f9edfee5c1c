/** Changes of what is there: those that make a column of others, or take one out of a mask's sight. */
import type { AlterTableCmd, AlterTableStmt, Node, RangeVar, RenameStmt } from '@pgsql/types';
import { type Context, relationName } from './context.ts';
import { tainted } from './flow.ts';
import { leakIntoColumn } from './leaks.ts';
import { as } from './nodes.ts';
import { readingOf } from './readings.ts';
import { below, item } from './scope.ts';
import type { CatalogueRelation } from './types.ts';
import { opaqueCall } from './walk.ts';

/** A definition keeps nothing itself; what it calls, if anything, has to depend on its arguments alone. */
export function lookAtCalls(body: unknown, context: Context): void {
  const found = opaqueCall(body, context.catalogue);
  if (found !== null) context.report.leak(`${found} would be called where what it gives is kept`);
}

export function relationOf(body: RangeVar | undefined, context: Context): CatalogueRelation | null {
  return context.catalogue.relation(body?.schemaname ?? null, body?.relname ?? '');
}

function holdsMasked(relation: CatalogueRelation, context: Context): boolean {
  return readingOf(relation, context).columns.some(({ flow }) => tainted(flow));
}

/**
 * What is known of a relation by its name, or by its place, is lost.
 * Threat: a superuser may change the relations in which it is found.
 */
export function changesMasked(relation: CatalogueRelation | null, what: string, context: Context): void {
  if (relation?.schema === 'pg_catalog')
    context.report.leak(`${relationName(relation)} would be ${what}: masks are found by what it says`);
  else if (relation !== null && holdsMasked(relation, context))
    context.report.leak(
      `${relationName(relation)} has masked columns and would be ${what}: masks are found by names`,
    );
}

/** Changes of a table that neither make a column of others nor take one out of sight. */
const HARMLESS: ReadonlySet<string> = new Set([
  'AT_AddColumn',
  'AT_AddColumnToView',
  'AT_ColumnDefault',
  'AT_CookedColumnDefault',
  'AT_DropNotNull',
  'AT_SetNotNull',
  'AT_SetExpression',
  'AT_SetStatistics',
  'AT_SetOptions',
  'AT_ResetOptions',
  'AT_SetStorage',
  'AT_SetCompression',
  'AT_DropColumn',
  'AT_AddConstraint',
  'AT_AlterConstraint',
  'AT_ValidateConstraint',
  'AT_AddIndexConstraint',
  'AT_DropConstraint',
  'AT_AlterColumnType',
  'AT_ChangeOwner',
  'AT_ClusterOn',
  'AT_DropCluster',
  'AT_SetLogged',
  'AT_SetUnLogged',
  'AT_DropOids',
  'AT_SetAccessMethod',
  'AT_SetTableSpace',
  'AT_SetRelOptions',
  'AT_ResetRelOptions',
  'AT_ReplaceRelOptions',
  'AT_EnableTrig',
  'AT_EnableAlwaysTrig',
  'AT_EnableReplicaTrig',
  'AT_DisableTrig',
  'AT_EnableTrigAll',
  'AT_DisableTrigAll',
  'AT_EnableTrigUser',
  'AT_DisableTrigUser',
  'AT_DisableRule',
  'AT_AddInherit',
  'AT_AttachPartition',
  'AT_ReplicaIdentity',
  'AT_EnableRowSecurity',
  'AT_DisableRowSecurity',
  'AT_ForceRowSecurity',
  'AT_NoForceRowSecurity',
  'AT_AddIdentity',
  'AT_SetIdentity',
  'AT_DropIdentity',
]);

/** The expressions by which a change gives a column values. */
function valuesOf({ subtype, def }: AlterTableCmd): Node[] {
  if (def === undefined) return [];
  if (subtype === 'AT_ColumnDefault' || subtype === 'AT_SetExpression') return [def];
  const nodes: (Node | undefined)[] = [as(def, 'ColumnDef')?.raw_default];
  for (const constraint of as(def, 'ColumnDef')?.constraints ?? [])
    nodes.push(as(constraint, 'Constraint')?.raw_expr);
  return nodes.filter((node) => node !== undefined);
}

/**
 * A table is put below another, by INHERITS, PARTITION OF or ATTACH.
 * Threat: for some seconds another session takes the name of the lower one for what it was, and shows what is put there.
 */
export function putBelow(parent: RangeVar | undefined, context: Context): void {
  const what = 'given a table below it, which other sessions may know as another';
  changesMasked(relationOf(parent, context), what, context);
}

/** A column is masked in all that inherit it, which has to stay so, in the sight of other sessions too. */
function lookAtFamily(
  named: RangeVar | undefined,
  relation: CatalogueRelation | null,
  command: AlterTableCmd | null,
  context: Context,
): void {
  if (relation === null) return;
  switch (command?.subtype) {
    case 'AT_DropColumn': {
      const { columns } = readingOf(relation, context);
      const masked = columns.some(({ name, flow }) => name === command.name && tainted(flow));
      if (masked && relation.children.length > 0)
        changesMasked(relation, `without ${command.name}, which others have from it`, context);
      return;
    }
    case 'AT_AddInherit':
      changesMasked(relation, 'read through another relation', context);
      putBelow(as(command.def, 'RangeVar') ?? undefined, context);
      return;
    case 'AT_AttachPartition':
      putBelow(named, context);
      changesMasked(
        relationOf(as(command.def, 'PartitionCmd')?.name, context),
        'read through another relation',
        context,
      );
  }
}

export function alterTable({ relation: named, cmds = [] }: AlterTableStmt, context: Context): void {
  const relation = relationOf(named, context);
  const columns = relation === null ? [] : readingOf(relation, context).columns;
  const open = relation === null ? `the relation ${named?.relname} is not known` : null;
  const scope = below(null, [item(named?.relname ?? '', columns, { open, system: true })]);
  if (relation?.schema === 'pg_catalog') changesMasked(relation, 'changed', context);
  for (const node of cmds) {
    const command = as(node, 'AlterTableCmd');
    lookAtFamily(named, relation, command, context);
    const subtype = command?.subtype ?? 'nothing';
    if (command === null || !HARMLESS.has(subtype)) {
      changesMasked(relation, `changed (${subtype})`, context);
      if (relation === null) context.report.leak(`${open}, and would be changed (${subtype})`);
      continue;
    }
    const name = command.name ?? as(command.def, 'ColumnDef')?.colname ?? '';
    const column = columns.find((each) => each.name === name)?.flow ?? null;
    for (const value of valuesOf(command)) {
      const flow = context.expression(value, scope, context);
      leakIntoColumn(flow, column, `${named?.relname}.${name}`, context);
    }
    lookAtCalls(command, context);
  }
}

export function rename({ renameType, relation, subname, behavior }: RenameStmt, context: Context): void {
  const known = relation === undefined ? null : relationOf(relation, context);
  switch (renameType) {
    case 'OBJECT_COLUMN': {
      const columns = known === null ? [] : readingOf(known, context).columns;
      if (
        known?.schema === 'pg_catalog' ||
        columns.some(({ name, flow }) => name === subname && tainted(flow))
      )
        changesMasked(known, `given another name for ${subname}`, context);
      return;
    }
    case 'OBJECT_TABLE':
    case 'OBJECT_VIEW':
    case 'OBJECT_MATVIEW':
    case 'OBJECT_FOREIGN_TABLE':
      changesMasked(known, 'given another name', context);
      return;
    case 'OBJECT_ATTRIBUTE':
      if (behavior === 'DROP_CASCADE')
        context.report.leak(
          'columns of tables of that type would have other names: masks are found by names',
        );
      return;
    case 'OBJECT_SCHEMA':
    case 'OBJECT_DATABASE':
      context.report.leak('what is in it would have other names: masks are found by names');
      return;
    case 'OBJECT_FUNCTION':
    case 'OBJECT_PROCEDURE':
    case 'OBJECT_ROUTINE':
    case 'OBJECT_AGGREGATE':
      context.report.leak('a function would have another name: what it may read is told by that');
      return;
    default:
  }
}
