/** What is read from a relation: a table's own columns, or what its definition makes of others. */
import type { Node, RangeVar } from '@pgsql/types';
import { parse } from '../sql/parse.ts';
import { holdsOthers } from './builtins.ts';
import { type Context, MOST_BODIES, PARSING, Report, relationName } from './context.ts';
import { Exhausted, Untraceable } from './errors.ts';
import { CLEAR, type Column, type Flow, join, type Origins, opaque, originKey, type Query } from './flow.ts';
import { as } from './nodes.ts';
import { below, item } from './scope.ts';
import type { CatalogueColumn, CatalogueRelation, Origin } from './types.ts';
import { search } from './walk.ts';

const MOST_RELATIVES = 100_000;

/** Adds all that are above those found, or below them. @returns false where one of them is not known */
function spread(
  found: Map<number, CatalogueRelation>,
  step: 'parents' | 'children',
  context: Context,
): boolean {
  const waiting = [...found.values()];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const oid of next[step]) {
      if (found.has(oid)) continue;
      const other = context.catalogue.byOid(oid);
      if (other === null || found.size > MOST_RELATIVES) return false;
      found.set(oid, other);
      waiting.push(other);
    }
  }
  return true;
}

type Family = readonly CatalogueRelation[] | null;

/**
 * What is read with a relation, which is all below it, and what is above any of these. Null: one of them is not known.
 * Threat: a table with two parents is read through either, and only one of them may be masked.
 */
function relatives(relation: CatalogueRelation, context: Context): Family {
  const found = new Map([[relation.oid, relation]]);
  const known = spread(found, 'children', context) && spread(found, 'parents', context);
  return known ? [...found.values()] : null;
}

/** It and all that is above it: none of these goes without it. */
function above(relation: CatalogueRelation, context: Context): Family {
  const found = new Map([[relation.oid, relation]]);
  return spread(found, 'parents', context) ? [...found.values()] : null;
}

/** The masked columns that a column stands for: itself, and those of its name up and down the inheritance. */
function tags(
  column: CatalogueColumn,
  family: readonly CatalogueRelation[],
  { oid }: CatalogueRelation,
  { masked }: Context,
): Origins {
  const found = new Map<string, Origin>();
  for (const relation of family) {
    const same = relation.oid === oid ? column : relation.columns.find(({ name }) => name === column.name);
    if (same === undefined || !masked(relation, same.attnum)) continue;
    const origin = { relation: relation.oid, attnum: same.attnum };
    found.set(originKey(origin), origin);
  }
  return found;
}

function stored(relation: CatalogueRelation, context: Context): Query {
  const family = relatives(relation, context);
  const columns = relation.columns.map((column): Column => {
    const { name, attnum, composite } = column;
    if (family === null)
      return { name, flow: opaque(`a parent or child of ${relationName(relation)} is not known`) };
    const untraceable =
      relation.kind === 'toast' || relation.kind === 'other'
        ? `${relationName(relation)} holds values of another relation`
        : holdsOthers(relation.schema, relation.name, name);
    const origins = tags(column, family, relation, context);
    const direct = { relation: relation.oid, attnum };
    return { name, flow: { origins, untraceable, direct, row: null, composite } };
  });
  return { columns: withGenerated(relation, columns, context), conditions: CLEAR };
}

/** A generated column depends on what its expression reads. */
function withGenerated(
  relation: CatalogueRelation,
  columns: readonly Column[],
  context: Context,
): readonly Column[] {
  if (relation.columns.every(({ generated }) => generated === null)) return columns;
  const scope = below(null, [item(relation.name, columns, { system: true })]);
  const inner = definitionContext(relation, context);
  return columns.map((column, at) => {
    const text = relation.columns[at]?.generated ?? null;
    if (text === null) return column;
    const flow = attempt(() => inner.expression(expressionOf(text), scope, inner));
    if (flow.origins.size === 0 && flow.untraceable === null) return column;
    return { name: column.name, flow: { ...join([column.flow, flow]), composite: column.flow.composite } };
  });
}

function expressionOf(text: string): Node {
  const select = as(parse(`SELECT (${text})`).tree?.stmts?.[0]?.stmt, 'SelectStmt');
  const value = as(select?.targetList?.[0], 'ResTarget')?.val;
  if (value === undefined || select?.targetList?.length !== 1)
    throw new Untraceable('the expression of a generated column is not understood');
  return value;
}

/** What a definition does beside its columns is the database's own doing, not the statement's. */
function definitionContext(relation: CatalogueRelation, context: Context): Context {
  return {
    ...context,
    catalogue: context.catalogue.at(relation.definitionPath),
    report: new Report(),
    bodies: context.bodies + 1,
  };
}

function attempt(work: () => Flow): Flow {
  try {
    return work();
  } catch (error) {
    if (error instanceof Exhausted || !(error instanceof Untraceable)) throw error;
    return opaque(error.message);
  }
}

function followed(relation: CatalogueRelation, context: Context): Query {
  const name = relationName(relation);
  if (relation.definition === null) throw new Untraceable(`the definition of ${name} is not known`);
  if (context.bodies >= MOST_BODIES) throw new Untraceable(`the definition of ${name} leads too deep`);
  context.budget.spend(PARSING);
  const parsed = parse(relation.definition);
  const [first, ...more] = parsed.tree?.stmts ?? [];
  if (first?.stmt === undefined || more.length > 0 || as(first.stmt, 'SelectStmt') === null)
    throw new Untraceable(`the definition of ${name} is not understood`);
  const statement = first.stmt;
  const inner = definitionContext(relation, context);
  const { columns, conditions } = context.budget.deeper(() => context.query(statement, below(null), inner));
  if (columns.length !== relation.columns.length)
    throw new Untraceable(`${name} has other columns than its definition`);
  return {
    columns: relation.columns.map((column, at): Column => {
      const flow = columns[at]?.flow ?? opaque(`a column of ${name} is not known`);
      const own = tags(column, [relation], relation, context);
      if (own.size === 0) return { name: column.name, flow };
      const both = join([flow, { ...CLEAR, origins: own }]);
      return { name: column.name, flow: { ...flow, origins: both.origins } };
    }),
    conditions,
  };
}

function definedBy(relation: CatalogueRelation, context: Context): Query {
  try {
    return followed(relation, context);
  } catch (error) {
    if (error instanceof Exhausted || !(error instanceof Untraceable)) throw error;
    const flow = opaque(error.message);
    return { columns: relation.columns.map(({ name }) => ({ name, flow })), conditions: flow };
  }
}

/**
 * By what a column stays masked when tables below it are gone.
 * Threat: what is stored in a table that is masked because of another one that inherits from it can be read when that
 * one is dropped.
 */
export function lasting({ direct, origins }: Flow, context: Context): Origins {
  const relation = direct === null ? null : context.catalogue.byOid(direct.relation);
  const column = relation?.columns.find(({ attnum }) => attnum === direct?.attnum);
  if (relation === null || column === undefined) return origins;
  const lasts = tags(column, above(relation, context) ?? [], relation, context);
  const all = tags(column, relatives(relation, context) ?? [], relation, context);
  // What is in neither is a view's own.
  return new Map([...origins].filter(([key]) => lasts.has(key) || !all.has(key)));
}

/** Whether it is so of a relation, or of any that a view which is written through is made of. */
function writesTo(
  relation: CatalogueRelation,
  is: (relation: CatalogueRelation) => boolean,
  context: Context,
  depth = 0,
): boolean {
  if (is(relation) || depth > MOST_BODIES) return true;
  if (relation.kind !== 'view' || relation.definition === null) return false;
  context.budget.spend(PARSING);
  const found = search(parse(relation.definition).tree ?? [], (kind, body) => {
    const { schemaname, relname = '' } = kind === 'RangeVar' ? (body as RangeVar) : {};
    const under = context.catalogue.relation(schemaname ?? null, relname);
    return under !== null && writesTo(under, is, context, depth + 1) ? true : null;
  });
  return found === true;
}

/** Writes to it are turned into others by rules. */
export function ruled(relation: CatalogueRelation, context: Context): boolean {
  return writesTo(relation, ({ rules }) => rules, context);
}

/** Writes to it change what the server takes names for, and which table's rows are read: a superuser may make them. */
export function ofCatalogue(relation: CatalogueRelation, context: Context): boolean {
  return writesTo(relation, ({ schema }) => schema === 'pg_catalog', context);
}

/** What is read from a relation, worked out once. Views are followed through their definitions. */
export function readingOf(relation: CatalogueRelation, context: Context): Query {
  const known = context.readings.get(relation.oid);
  if (known !== undefined) return known;
  const reading =
    relation.kind === 'view' || relation.kind === 'matview'
      ? definedBy(relation, context)
      : stored(relation, context);
  context.readings.set(relation.oid, reading);
  return reading;
}
