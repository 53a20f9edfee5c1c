/**
 * Which names mean what at a place in a statement (PostgreSQL's `parse_relation.c` is what this has to agree
 * with).
 */
import { Untraceable } from './errors.ts';
import { CLEAR, type Column, type Flow, join, opaque, type Query, rowOf } from './flow.ts';

/** An entry of a FROM clause, or a target of a modification. */
export interface Item {
  /** By which qualified names find it. */
  readonly alias: string | null;
  /** Its schema, where names with a schema find it: only a relation without an alias. */
  readonly schema: string | null;
  readonly columns: readonly Column[];
  /** Why it may have more columns than these. Null: it has not. */
  readonly open: string | null;
  /** Names without a qualifier find its columns, and `*` means them. */
  readonly plain: boolean;
  /** It has ctid, xmin and so on. */
  readonly system: boolean;
  /** What its name alone means, where that is not the row of its columns. */
  readonly whole: Flow | null;
}

/** What the body of an SQL function sees of its arguments. */
export interface Parameters {
  readonly functionName: string;
  readonly positional: readonly Flow[];
  readonly named: ReadonlyMap<string, Flow>;
}

/** One level of nesting, as one SELECT makes. */
export interface Scope {
  readonly items: readonly Item[];
  /** What its WITH defines. */
  readonly tables: ReadonlyMap<string, () => Query>;
  /** What its WINDOW clause defines. */
  readonly windows: ReadonlyMap<string, Flow>;
  readonly parameters: Parameters | null;
  readonly parent: Scope | null;
  /** What decides how many rows the functions called here make: added to while the level is traced. */
  readonly rows: Flow[];
}

const EMPTY = new Map<string, never>();

/** A level below another; null: the outermost. */
export function below(parent: Scope | null, items: readonly Item[] = []): Scope {
  return { items, tables: EMPTY, windows: EMPTY, parameters: null, parent, rows: [] };
}

export function item(alias: string | null, columns: readonly Column[], rest: Partial<Item> = {}): Item {
  return { alias, schema: null, columns, open: null, plain: true, system: false, whole: null, ...rest };
}

const SYSTEM_COLUMNS: ReadonlySet<string> = new Set(['tableoid', 'ctid', 'xmin', 'xmax', 'cmin', 'cmax']);

function levels(scope: Scope | null): Scope[] {
  const all: Scope[] = [];
  for (let level = scope; level !== null; level = level.parent) all.push(level);
  return all;
}

/** A column of one item. Null: it has none of this name that is known. */
export function columnOf(item: Item, name: string): Flow | null {
  const found = item.columns.filter((column) => column.name === name);
  const [first] = found;
  if (found.length > 1) return opaque(`the column "${name}" is ambiguous`);
  if (first !== undefined) return first.flow;
  return item.system && SYSTEM_COLUMNS.has(name) ? CLEAR : null;
}

/** The whole row of an item. */
export function wholeRow(item: Item): Flow {
  if (item.open !== null) return join([rowOf(item.columns), opaque(item.open)]);
  return item.whole ?? rowOf(item.columns);
}

/** A name alone: a column of the innermost level that has one, else a whole row, else a function's parameter. */
export function resolveName(name: string, scope: Scope): Flow | null {
  const all = levels(scope);
  for (const { items } of all) {
    const plain = items.filter((item) => item.plain);
    const found = plain.map((item) => columnOf(item, name)).filter((flow) => flow !== null);
    if (found.length > 1) return opaque(`the column "${name}" is ambiguous`);
    if (found[0] !== undefined) return found[0];
    const open = plain.find((item) => item.open !== null);
    if (open !== undefined) return opaque(open.open ?? '');
  }
  const named = resolveItem(null, name, scope);
  if (named !== null) return wholeRow(named);
  return all.at(-1)?.parameters?.named.get(name) ?? null;
}

/** The item that a qualifier means. */
export function resolveItem(schema: string | null, name: string, scope: Scope): Item | null {
  for (const { items } of levels(scope)) {
    const found = items.filter((item) => item.alias === name && (schema === null || item.schema === schema));
    if (found.length > 1) throw new Untraceable(`the name "${name}" is ambiguous`);
    if (found[0] !== undefined) return found[0];
  }
  return null;
}

export function parametersOf(scope: Scope): Parameters | null {
  return levels(scope).at(-1)?.parameters ?? null;
}

/** The CTE that a name without a schema means. */
export function resolveTable(name: string, scope: Scope): (() => Query) | null {
  for (const { tables } of levels(scope)) {
    const found = tables.get(name);
    if (found !== undefined) return found;
  }
  return null;
}

/**
 * The columns of a star.
 * @throws Untraceable where they are not known
 */
export function starOf(items: readonly Item[]): Column[] {
  return items.flatMap(({ columns, open }) => {
    if (open !== null) throw new Untraceable(open);
    return columns;
  });
}
