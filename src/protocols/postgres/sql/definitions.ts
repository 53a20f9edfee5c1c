/**
 * CREATE, ALTER, DROP and the privileges: what they define or change is written, what a definition rests on is read.
 */
import type {
  AlterOwnerStmt,
  AlterPolicyStmt,
  AlterSeqStmt,
  AlterTableCmd,
  CommentStmt,
  CreatePolicyStmt,
  CreateSeqStmt,
  GrantStmt,
  Node,
  ObjectType,
  RenameStmt,
} from '@pgsql/types';
import { updatable } from './behind.ts';
import { as, items, texts } from './nodes.ts';
import { fill, named, select } from './queries.ts';
import { set, stored as storedSetting } from './settings.ts';
import { type Handlers, NO_NAMES, type Scope, type Walker } from './walker.ts';

const RELATIONS: ReadonlySet<ObjectType | undefined> = new Set<ObjectType>([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_FOREIGN_TABLE',
  'OBJECT_SEQUENCE',
  'OBJECT_INDEX',
]);
/** Their name comes after that of their relation. */
const PARTS_OF_RELATIONS: ReadonlySet<ObjectType | undefined> = new Set<ObjectType>([
  'OBJECT_COLUMN',
  'OBJECT_TRIGGER',
  'OBJECT_RULE',
  'OBJECT_POLICY',
  'OBJECT_TABCONSTRAINT',
]);

/** An object named by strings, where it is a relation or a part of one. */
function object(type: ObjectType | undefined, node: Node | undefined, walker: Walker): void {
  const parts = texts(items(node));
  if (RELATIONS.has(type)) walker.writeNamed(parts);
  else if (PARTS_OF_RELATIONS.has(type)) walker.writeNamed(parts.slice(0, -1));
  if (type === 'OBJECT_COLUMN') walker.found.columns.add(parts.at(-1) ?? '');
}

/** COMMENT and the like. */
function about(node: Pick<CommentStmt, 'objtype' | 'object'>, _scope: Scope, walker: Walker): void {
  walker.found.kind('ddl');
  object(node.objtype, node.object, walker);
}

/** What is moved, renamed or given away: named as a relation or by strings. */
function moved(node: AlterOwnerStmt, _scope: Scope, walker: Walker): void {
  walker.found.kind('ddl');
  if (node.relation !== undefined) walker.write(node.relation);
  else object(node.objectType, node.object, walker);
}

function policy(node: CreatePolicyStmt | AlterPolicyStmt, scope: Scope, walker: Walker): void {
  walker.found.kind('ddl', 'privilege');
  walker.write(node.table);
  walker.walk([node.qual, node.with_check], scope);
}

function sequence(node: CreateSeqStmt | AlterSeqStmt, scope: Scope, walker: Walker): void {
  walker.found.kind('ddl');
  walker.write(node.sequence);
  walker.walk(node.options, scope);
}

/** AlterTableTypes whose `name` is a column. */
const OF_COLUMN =
  /^AT_(?:.*Column.*|(?:Set|Drop)(?:NotNull|Expression|Identity)|AddIdentity|Set(?:Statistics|Storage|Compression|Options)|ResetOptions)$/;
const ABOUT_PRIVILEGE = /^AT_(?:ChangeOwner|(?:Enable|Disable|Force|NoForce)RowSecurity)$/;

function alterTable(node: AlterTableCmd, scope: Scope, walker: Walker): void {
  const subtype = node.subtype ?? '';
  if (node.name !== undefined && OF_COLUMN.test(subtype)) walker.found.columns.add(node.name);
  if (ABOUT_PRIVILEGE.test(subtype)) walker.found.kind('privilege');
  const partition = as(node.def, 'PartitionCmd');
  if (partition !== null) walker.write(partition.name);
  const parent = as(node.def, 'RangeVar');
  if (parent !== null) walker.write(parent);
  else walker.walk(partition === null ? node.def : partition.bound, scope);
}

function grant(node: GrantStmt, walker: Walker): void {
  walker.found.kind('privilege');
  walker.writeAll(node.objects);
  for (const privilege of node.privileges ?? [])
    for (const column of texts(as(privilege, 'AccessPriv')?.cols)) walker.found.columns.add(column);
}

function rename(node: RenameStmt, walker: Walker): void {
  walker.found.kind('ddl');
  if (node.renameType === 'OBJECT_ROLE') walker.found.kind('privilege');
  if (node.relation !== undefined) walker.write(node.relation);
  else object(node.renameType, node.object, walker);
  if (node.renameType !== 'OBJECT_COLUMN') return;
  for (const name of [node.subname, node.newname]) if (name !== undefined) walker.found.columns.add(name);
}

/** What else of a definition is parsed as a type, as the names of functions are. */
const NO_FUNCTION =
  /^(?:m?stype|leftarg|rightarg|basetype|subtype|like|element|copy|parser|template|dictionary|commutator|negator)$/;

/** Adds the functions that an operator, aggregate or type is made of. */
function parts(definition: readonly Node[] | undefined, walker: Walker): void {
  for (const node of definition ?? []) {
    const { defname = '', arg } = as(node, 'DefElem') ?? {};
    const names = as(arg, 'TypeName')?.names;
    if (names !== undefined && !NO_FUNCTION.test(defname)) named(texts(names), 1, walker);
  }
}

/** What is stored and comes into force later, when nothing of it shows any more. */
const stored: (node: object, scope: Scope, walker: Walker) => void = (node, scope, walker) => {
  walker.found.kind('ddl');
  walker.walk(node, scope);
};

export const DEFINITIONS: Handlers = {
  CreateStmt: (node, scope, walker) => {
    walker.found.kind('ddl');
    walker.write(node.relation);
    if (node.partbound === undefined) walker.walk(node.inhRelations, scope);
    else walker.writeAll(node.inhRelations);
    walker.walk([node.tableElts, node.constraints, node.partbound, node.partspec], scope);
  },
  CreateForeignTableStmt: (node, scope, walker) =>
    walker.walk([{ CreateStmt: node.base ?? {} }, node.options], scope),
  CreateTableAsStmt: (node, scope, walker) => {
    fill(node.into, walker);
    const query = as(node.query, 'SelectStmt');
    if (query !== null) select(query, scope, walker, true);
    else walker.walk(node.query, scope);
  },
  ViewStmt: (node, scope, walker) => {
    walker.found.kind('ddl');
    walker.write(node.view);
    const written = updatable(node.query);
    if (written !== null && (written.schemaname !== undefined || !scope.has(written.relname ?? '')))
      walker.write(written);
    walker.walk(node.query, scope);
  },
  RuleStmt: (node, scope, walker) => {
    walker.found.kind('ddl');
    walker.write(node.relation);
    walker.walk([node.whereClause, node.actions], scope);
  },
  CreateTrigStmt: (node, scope, walker) => {
    walker.found.kind('ddl');
    walker.write(node.relation);
    if (node.constrrel !== undefined) walker.read(node.constrrel, NO_NAMES);
    named(texts(node.funcname), 0, walker);
    for (const column of texts(node.columns)) walker.found.columns.add(column);
    walker.walk(node.whenClause, scope);
  },
  CreateEventTrigStmt: (node, _scope, walker) => {
    walker.found.kind('ddl');
    named(texts(node.funcname), 0, walker);
  },
  IndexStmt: (node, scope, walker) => {
    walker.found.kind('ddl');
    walker.write(node.relation);
    walker.walk([node.indexParams, node.indexIncludingParams, node.whereClause], scope);
  },
  AlterTableStmt: (node, scope, walker) => {
    walker.found.kind('ddl');
    walker.write(node.relation);
    walker.walk(node.cmds, scope);
  },
  AlterTableCmd: alterTable,
  RenameStmt: (node, _scope, walker) => rename(node, walker),
  AlterObjectSchemaStmt: moved,
  AlterObjectDependsStmt: (node, _scope, walker) => {
    walker.found.kind('ddl');
    walker.write(node.relation);
  },
  AlterOwnerStmt: (node, scope, walker) => {
    walker.found.kind('privilege');
    moved(node, scope, walker);
  },
  AlterExtensionContentsStmt: about,
  CommentStmt: about,
  SecLabelStmt: (node, scope, walker) => {
    walker.found.kind('privilege');
    about(node, scope, walker);
  },
  DropStmt: (node, _scope, walker) => {
    walker.found.kind('ddl');
    if (node.removeType === 'OBJECT_POLICY') walker.found.kind('privilege');
    for (const one of node.objects ?? []) object(node.removeType, one, walker);
  },
  CreateSeqStmt: sequence,
  AlterSeqStmt: sequence,
  CreatePolicyStmt: policy,
  AlterPolicyStmt: policy,
  CreateSchemaStmt: (node, scope, walker) => stored(node.schemaElts ?? [], scope, walker),
  ImportForeignSchemaStmt: (node, _scope, walker) => {
    walker.found.kind('ddl');
    for (const table of node.table_list ?? []) {
      const range = as(table, 'RangeVar');
      if (range !== null) walker.writeNamed([node.local_schema ?? '', range.relname ?? '']);
    }
  },
  DefineStmt: (node, scope, walker) => {
    stored(node, scope, walker);
    parts(node.definition, walker);
  },
  CompositeTypeStmt: (node, scope, walker) => stored(node.coldeflist ?? [], scope, walker),
  ObjectWithArgs: () => {},
  CreateCastStmt: (node, _scope, walker) => {
    walker.found.kind('ddl');
    if (node.func !== undefined) named(texts(node.func.objname), 1, walker);
  },
  CreateConversionStmt: (node, _scope, walker) => {
    walker.found.kind('ddl');
    named(texts(node.func_name), 6, walker);
  },

  GrantStmt: (node, _scope, walker) => grant(node, walker),
  AlterDefaultPrivilegesStmt: (node, _scope, walker) => grant(node.action ?? {}, walker),
  AlterDatabaseSetStmt: ({ setstmt }, _scope, walker) => {
    walker.found.kind('ddl');
    storedSetting(setstmt, walker.found);
  },
  AlterRoleSetStmt: ({ setstmt }, _scope, walker) => {
    walker.found.kind('privilege');
    storedSetting(setstmt, walker.found);
  },
  AlterSystemStmt: (node, _scope, walker) => {
    if (/(?:_command|_librar(?:y|ies))$/i.test(node.setstmt?.name ?? '')) walker.found.kind('program');
  },
  AlterFunctionStmt: (node, scope, walker) => stored(node.actions ?? [], scope, walker),
  VariableSetStmt: (node, _scope, walker) => set(node, walker.found),

  Constraint: (node, scope, walker) => {
    for (const list of [node.keys, node.including, node.pk_attrs, node.fk_attrs, node.fk_del_set_cols])
      for (const column of texts(list)) walker.found.columns.add(column);
    if (node.pktable !== undefined) walker.read(node.pktable, NO_NAMES);
    walker.walk([node.raw_expr, node.exclusions, node.where_clause], scope);
  },
  ColumnDef: (node, scope, walker) => {
    if (node.colname !== undefined) walker.found.columns.add(node.colname);
    walker.walk([node.raw_default, node.constraints], scope);
  },
  PartitionElem: (node, scope, walker) => {
    if (node.name !== undefined) walker.found.columns.add(node.name);
    walker.walk(node.expr, scope);
  },
  StatsElem: (node, scope, walker) => {
    if (node.name !== undefined) walker.found.columns.add(node.name);
    walker.walk(node.expr, scope);
  },
  PublicationObjSpec: (node, scope, walker) => {
    const { relation, columns, whereClause } = node.pubtable ?? {};
    if (relation !== undefined) walker.read(relation, NO_NAMES);
    for (const column of texts(columns)) walker.found.columns.add(column);
    walker.walk(whereClause, scope);
  },
  DefElem: (node, scope, walker) => {
    if (node.defname === 'program' || node.defname === 'filename') {
      // Options of file_fdw.
      walker.found.kind(node.defname === 'program' ? 'program' : 'file');
    } else if (node.defname === 'owned_by') {
      // OWNED BY table.column of a sequence; NONE is one name.
      const owner = texts(items(node.arg));
      if (owner.length > 1) walker.writeNamed(owner.slice(0, -1));
    } else if (node.defname === 'set') {
      // A function's own settings: in force while it runs.
      storedSetting(as(node.arg, 'VariableSetStmt') ?? undefined, walker.found);
    } else walker.walk(node.arg, scope);
  },
};
