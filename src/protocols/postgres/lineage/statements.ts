/** Statements: what each returns. A kind that is not listed is untraceable. */
import type { CopyStmt, ExplainStmt, Node, ReturningClause } from '@pgsql/types';
import { callFunction } from './calls.ts';
import type { Context } from './context.ts';
import { define } from './definitions.ts';
import { Untraceable } from './errors.ts';
import { CLEAR, type Column, opaque, type Query } from './flow.ts';
import { rangeVar } from './from.ts';
import { leak } from './leaks.ts';
import { as, type Body, bodyOf, type Kind, kindOf, texts } from './nodes.ts';
import { below, starOf } from './scope.ts';
import { intoOf } from './select.ts';
import { shapeOf } from './shapes.ts';
import { leaveCatalogue } from './written.ts';

/** The result columns, and what decides the rows; a name is empty where it is not known. */
type Rows = Query;

type Statement<K extends Kind> = (body: Body<K>, context: Context) => Rows | null;
type Statements = { readonly [K in Kind]?: Statement<K> };

const none = (): null => null;
const texted = (...names: string[]): Rows => ({
  columns: names.map((name) => ({ name, flow: CLEAR })),
  conditions: CLEAR,
});

function writing(node: Node, returns: ReturningClause | undefined, context: Context): Rows | null {
  const rows = context.query(node, below(null), context);
  return returns === undefined ? null : rows;
}

/** The columns that COPY means when it names none: all but generated ones. */
function copied({ relation, attlist, query }: CopyStmt, context: Context): Rows {
  if (query !== undefined) return context.query(query, below(null), context);
  if (relation === undefined) throw new Untraceable('COPY without a relation');
  const { items, conditions } = rangeVar(relation, below(null), context);
  const known = context.catalogue.relation(relation.schemaname ?? null, relation.relname ?? '');
  const generated = new Set(known?.columns.filter((each) => each.generated !== null).map(({ name }) => name));
  const all = starOf(items);
  if (attlist === undefined) return { columns: all.filter(({ name }) => !generated.has(name)), conditions };
  const columns = texts(attlist).map((name): Column => {
    const found = all.find((column) => column.name === name);
    return found ?? { name, flow: opaque(`the column ${name} is not known`) };
  });
  return { columns, conditions };
}

function copy(body: CopyStmt, context: Context): Rows | null {
  const { is_from, is_program, filename, whereClause } = body;
  if (is_from === true) {
    const known = context.catalogue.relation(body.relation?.schemaname ?? null, body.relation?.relname ?? '');
    if (known !== null) leaveCatalogue(known, context);
    if (whereClause !== undefined && body.relation !== undefined) {
      const { items } = rangeVar(body.relation, below(null), context);
      context.expression(whereClause, below(null, items), context);
    }
    if (filename !== undefined)
      context.report.leak(
        `what ${is_program === true ? 'a program' : "a file of the server's"} says would be stored, which can't be traced`,
      );
    return null;
  }
  const rows = copied(body, context);
  if (filename === undefined) return rows;
  const where = is_program === true ? 'given to a program' : 'written to a file';
  for (const { name, flow } of rows.columns) leak(flow, `${where} on the server, column ${name}`, context);
  return null;
}

/**
 * Plans tell names, numbers, constants of the statement and of what it reads, but no rows. What a function
 * gives for constants may be among the constants.
 */
function explain({ query, options = [] }: ExplainStmt, context: Context): Rows {
  if (query === undefined) throw new Untraceable('EXPLAIN of nothing');
  // Without ANALYZE nothing is done, and so nothing kept.
  const done = options.some((node) => as(node, 'DefElem')?.defname?.toLowerCase() === 'analyze');
  const { leaks } = context.report;
  const before = new Set(leaks);
  trace(query, context);
  if (!done) {
    for (const sentence of leaks) if (!before.has(sentence)) leaks.delete(sentence);
  }
  const { opaque: reason } = context.report;
  const flow = reason === null ? CLEAR : opaque(`a plan may tell what functions give: ${reason}`);
  return { columns: [{ name: 'QUERY PLAN', flow }], conditions: CLEAR };
}

const STATEMENTS: Statements = {
  SelectStmt: (body, context) => {
    const rows = context.query({ SelectStmt: body }, below(null), context);
    return intoOf(body) === undefined ? rows : null;
  },
  InsertStmt: (body, context) => writing({ InsertStmt: body }, body.returningClause, context),
  UpdateStmt: (body, context) => writing({ UpdateStmt: body }, body.returningClause, context),
  DeleteStmt: (body, context) => writing({ DeleteStmt: body }, body.returningClause, context),
  MergeStmt: (body, context) => writing({ MergeStmt: body }, body.returningClause, context),
  ExplainStmt: explain,
  // What FETCH and EXECUTE will give.
  DeclareCursorStmt: ({ query }, context) => inner(query, context),
  PrepareStmt: ({ query }, context) => inner(query, context),
  CopyStmt: copy,
  // The server knows how a setting's name is written.
  VariableShowStmt: ({ name }) => (name === 'all' ? texted('name', 'setting', 'description') : texted('')),
  FetchStmt: ({ ismove }) => {
    if (ismove === true) return null;
    throw new Untraceable("FETCH gives the rows of its cursor's statement: that is to be traced");
  },
  ExecuteStmt: () => {
    throw new Untraceable('EXECUTE does what its prepared statement says: that is to be traced');
  },
  CallStmt: ({ funccall }, context) => {
    if (funccall === undefined) throw new Untraceable('CALL of nothing');
    const called = callFunction(funccall, below(null), context);
    const { columns, open } = shapeOf(funccall, called, null, null, context);
    const rows = called.functions.filter(({ result }) => result.kind !== 'scalar');
    if (called.functions.length === 0 || open !== null)
      throw new Untraceable(open ?? 'the procedure is not known');
    // A procedure has a row if it has parameters that come back.
    return rows.length === 0 ? null : { columns, conditions: CLEAR };
  },
  VariableSetStmt: none,
  TransactionStmt: none,
  DeallocateStmt: none,
  ClosePortalStmt: none,
  ListenStmt: none,
  UnlistenStmt: none,
  NotifyStmt: none,
  DiscardStmt: none,
  LockStmt: none,
  CheckPointStmt: none,
  ConstraintsSetStmt: none,
  VacuumStmt: none,
  ClusterStmt: none,
  ReindexStmt: none,
};

function inner(query: Node | undefined, context: Context): Rows | null {
  if (query === undefined) throw new Untraceable('a statement is missing');
  return trace(query, context);
}

/**
 * What a statement returns; null: no rows.
 * @throws Untraceable
 */
export function trace(node: Node, context: Context): Rows | null {
  return context.budget.deeper(() => {
    const kind = kindOf(node);
    const statement = kind === null ? undefined : (STATEMENTS[kind] as Statement<Kind> | undefined);
    if (statement !== undefined) return statement(bodyOf(node) as Body<Kind>, context);
    if (define(node, context)) return null;
    throw new Untraceable(`${kind ?? 'nothing'} is not understood`);
  });
}
