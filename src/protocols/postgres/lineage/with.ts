/** The WITH clause: common table expressions, recursive ones until nothing more flows into them. */
import type { CommonTableExpr, Node, SelectStmt, WithClause } from '@pgsql/types';
import type { Context } from './context.ts';
import { Untraceable } from './errors.ts';
import { type Column, type Flow, join, type Query, sameTaint } from './flow.ts';
import { renamed } from './from.ts';
import { as, texts } from './nodes.ts';
import { below, type Scope } from './scope.ts';

/** SEARCH and CYCLE add columns that are made of the others. */
function extraColumns(
  { search_clause, cycle_clause }: CommonTableExpr,
  columns: readonly Column[],
): Column[] {
  const flow: Flow = { ...join(columns.map((column) => column.flow)), composite: true };
  const names = [
    search_clause?.search_seq_column,
    cycle_clause?.cycle_mark_column,
    cycle_clause?.cycle_path_column,
  ];
  return names.filter((name) => name !== undefined).map((name) => ({ name, flow }));
}

function named(table: CommonTableExpr, { columns, conditions }: Query): Query {
  return { columns: renamed(columns, texts(table.aliascolnames)), conditions };
}

/** The term that does not refer to the table itself, with what stands around it. */
function firstTerm(query: Node, name: string): Node {
  const { larg, withClause, ...rest }: SelectStmt = as(query, 'SelectStmt') ?? {};
  if (larg === undefined || rest.op !== 'SETOP_UNION')
    throw new Untraceable(`the recursion of ${name} is not understood`);
  const twice: SelectStmt = { op: 'SETOP_UNION', larg, rarg: larg };
  return { SelectStmt: withClause === undefined ? twice : { ...twice, withClause } };
}

function same(a: Query, b: Query): boolean {
  return (
    sameTaint(a.conditions, b.conditions) &&
    a.columns.every(({ flow }, at) => sameTaint(flow, b.columns[at]?.flow ?? flow))
  );
}

/** A table of WITH RECURSIVE, which sees itself as far as it is known. */
function recursive(table: CommonTableExpr, query: Node, scope: Scope, context: Context): () => Query {
  const name = table.ctename ?? '';
  let known: Query | null = null;
  let working = false;
  let referred = false;
  const work = (): Query => {
    working = true;
    try {
      let last = named(table, context.query(query, scope, context));
      // Origins only grow, so this ends; the budget bounds how much it is.
      while (referred && known !== null && !same(known, last)) {
        known = last;
        last = named(table, context.query(query, scope, context));
      }
      return last;
    } finally {
      working = false;
    }
  };
  let finished: Query | null = null;
  return () => {
    if (finished !== null) return finished;
    if (working) {
      referred = true;
      if (known !== null) return known;
      // The terms are traced from left to right, so this is the second one's first sight of the table.
      working = false;
      const guard = { ...scope, tables: new Map(scope.tables).set(name, () => unknownYet(name)) };
      known = named(table, context.query(firstTerm(query, name), guard, context));
      working = true;
      return known;
    }
    const made = work();
    finished = { ...made, columns: [...made.columns, ...extraColumns(table, made.columns)] };
    return finished;
  };
}

function unknownYet(name: string): never {
  throw new Untraceable(`${name} refers to itself in a way that is not understood`);
}

/** The level that a statement with this clause is on: it sees what the clause defines. */
export function withTables(clause: WithClause | undefined, parent: Scope | null, context: Context): Scope {
  if (clause === undefined) return below(parent);
  const tables = new Map<string, () => Query>();
  const scope: Scope = { ...below(parent), tables };
  const defined: (() => Query)[] = [];
  for (const node of clause.ctes ?? []) {
    const table = as(node, 'CommonTableExpr');
    const query = table?.ctequery;
    if (table === null || query === undefined) throw new Untraceable('a WITH query is not understood');
    if (clause.recursive === true) {
      const made = recursive(table, query, scope, context);
      tables.set(table.ctename ?? '', made);
      defined.push(made);
    } else {
      const made = named(table, context.query(query, scope, context));
      tables.set(table.ctename ?? '', () => made);
    }
  }
  // Those that nobody reads are looked at too: they may write.
  for (const made of defined) made();
  return scope;
}
