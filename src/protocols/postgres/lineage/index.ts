/**
 * Masking by origin: which result columns of a statement may carry values of masked columns, whatever the
 * statement calls them or makes of them.
 *
 * Cleared, of all that reads a masked column: `count(*)`, `count(column)`, `column IS [NOT] NULL`, and rows
 * chosen or put in order by it (those columns are told as `conditions`). Everything else that a value is made
 * of taints it. Not covered: what can be learned by asking many conditions, or from errors, timing, row
 * counts and plans; what the database does by itself (triggers, defaults, policies, casts that apply by
 * themselves, side effects of functions that are not known to run a text); constants in definitions.
 *
 * The answer is as good as the catalogue: it has to be of this session's database, search path and temporary
 * schema at the moment in which the server analyses the statement (a prepared one again at each execution, if
 * the path has changed), and to be read again after statements that define things. A caller that then sees
 * another number of columns than was traced knows that it was not. The server has to read the text as the
 * parser does: standard_conforming_strings on.
 */
import type { Node } from '@pgsql/types';
import { parse } from '../sql/parse.ts';
import { Budget, type Context, Report } from './context.ts';
import { Untraceable } from './errors.ts';
import { expression } from './expressions.ts';
import { CLEAR, type Column, type Flow, type Query } from './flow.ts';
import { query } from './query.ts';
import { trace } from './statements.ts';
import { touches } from './touches.ts';
import type { Catalogue, Lineage, Masked, ResultColumn, Traced } from './types.ts';
import { opaqueCall } from './walk.ts';

export type {
  Catalogue,
  CatalogueColumn,
  CatalogueFunction,
  CatalogueRelation,
  FunctionResult,
  Lineage,
  Masked,
  Origin,
  RelationKind,
  ResultColumn,
  Traced,
} from './types.ts';

function resultColumn({ name, flow: { origins, direct, untraceable } }: Column): ResultColumn {
  return { name: name === '' ? null : name, origins: [...origins.values()], direct, untraceable };
}

/**
 * Limit: how much stack a level of nesting takes differs from kind to kind, so the bound on the depth may be
 * too high for one. Nothing is kept of a trace that ended so.
 */
function reasonOf(error: unknown): string {
  if (error instanceof RangeError) return 'the statement is nested too deeply to be traced';
  if (error instanceof Untraceable) return error.message;
  throw error;
}

/** The one statement of a text. */
function only(sql: string): Node {
  const { tree, error } = parse(sql);
  if (error !== null) throw new Untraceable(`the statement can't be parsed: ${error.message}`);
  const [first, ...more] = tree.stmts ?? [];
  if (first?.stmt === undefined) throw new Untraceable('there is no statement');
  if (more.length > 0) throw new Untraceable('there are several statements');
  return first.stmt;
}

/** Traces statements of one person in one database. What it works out of views and tables it keeps. */
export class Tracer {
  readonly #catalogue: Catalogue;
  readonly #masked: Masked;
  readonly #readings = new Map<number, Query>();

  /** @param masked the columns that are masked for this person; those related by inheritance are masked with them */
  constructor(catalogue: Catalogue, masked: Masked) {
    this.#catalogue = catalogue;
    this.#masked = masked;
  }

  #context(): Context {
    return {
      catalogue: this.#catalogue,
      masked: this.#masked,
      report: new Report(),
      budget: new Budget(),
      readings: this.#readings,
      bodies: 0,
      expression,
      query,
    };
  }

  /**
   * @param statement a parsed statement, or the text of one. Of DECLARE and PREPARE the answer is what FETCH
   *   and EXECUTE will give; those two themselves are untraceable
   */
  trace(statement: Node | string): Traced {
    const context = this.#context();
    let lineage: Lineage;
    let conditions: Flow = CLEAR;
    try {
      const rows = trace(typeof statement === 'string' ? only(statement) : statement, context);
      conditions = rows?.conditions ?? CLEAR;
      lineage =
        rows === null ? { outcome: 'none' } : { outcome: 'columns', columns: rows.columns.map(resultColumn) };
    } catch (error) {
      lineage = { outcome: 'untraceable', reason: reasonOf(error) };
    }
    const { leaks, changed } = context.report;
    return {
      ...lineage,
      leaks: [...leaks],
      changed: [...changed.values()],
      conditions: [...conditions.origins.values()],
    };
  }

  /** The first thing that it calls whose result does not depend on its arguments alone. Null: there is none. */
  opaqueCall(statement: Node | string): string | null {
    try {
      return opaqueCall(typeof statement === 'string' ? only(statement) : statement, this.#catalogue);
    } catch (error) {
      return reasonOf(error);
    }
  }

  /**
   * False: it reads nothing of a masked column and calls nothing that might, so there is nothing to trace.
   * Cheaper than tracing; it may say true where tracing finds nothing. A column that the catalogue does not
   * know is not noticed: its relation is.
   */
  touchesMasked(statement: Node | string): boolean {
    try {
      return touches(typeof statement === 'string' ? only(statement) : statement, this.#context());
    } catch (error) {
      reasonOf(error);
      return true;
    }
  }
}

const tracers = new WeakMap<Catalogue, WeakMap<Masked, Tracer>>();

function tracerOf(catalogue: Catalogue, masked: Masked): Tracer {
  const byMasked = tracers.get(catalogue) ?? new WeakMap<Masked, Tracer>();
  tracers.set(catalogue, byMasked);
  const tracer = byMasked.get(masked) ?? new Tracer(catalogue, masked);
  byMasked.set(masked, tracer);
  return tracer;
}

/** `Tracer.trace`, with a tracer that is kept as long as both arguments are. */
export function traceStatement(statement: Node | string, catalogue: Catalogue, masked: Masked): Traced {
  return tracerOf(catalogue, masked).trace(statement);
}

/** `Tracer.touchesMasked`, likewise. */
export function touchesMasked(statement: Node | string, catalogue: Catalogue, masked: Masked): boolean {
  return tracerOf(catalogue, masked).touchesMasked(statement);
}
