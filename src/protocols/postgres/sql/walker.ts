/** The walk through a parse tree: by a handler where a node's type has one, else through everything below it. */
import type { Node, RangeVar } from '@pgsql/types';
import { readsUnnamed, writesUnnamed } from './behind.ts';
import { Found } from './found.ts';
import type { Of, Tag } from './nodes.ts';

/** Names of common table expressions: they hide relations of the same unqualified name. */
export class Scope {
  readonly #names: ReadonlySet<string>;
  readonly #outer: Scope | null;

  constructor(names: readonly string[], outer: Scope | null) {
    this.#names = new Set(names);
    this.#outer = outer;
  }

  has(name: string): boolean {
    return this.#names.has(name) || (this.#outer?.has(name) ?? false);
  }
}

export const NO_NAMES = new Scope([], null);

export type Handlers = {
  readonly [T in Tag]?: (node: Of<T>, scope: Scope, walker: Walker) => void;
};
type Handler = (node: object, scope: Scope, walker: Walker) => void;
export type HandlerMap = ReadonlyMap<string, Handler>;

export function handlerMap(...all: readonly Handlers[]): HandlerMap {
  return new Map(all.flatMap((handlers) => Object.entries(handlers) as [string, Handler][]));
}

/** What a walk is told about the text that the tree is of. */
export interface Source {
  /** The statement's own text: PL/pgSQL is parsed from that. */
  readonly text: string;
  readonly standardConformingStrings: boolean;
}

export class Walker {
  readonly found = new Found();
  /** In the select list of a query whose rows are all of one setting: its name. */
  setting: string | null = null;
  readonly #handlers: HandlerMap;
  #source: Source;

  constructor(handlers: HandlerMap, source: Source) {
    this.#handlers = handlers;
    this.#source = source;
  }

  get source(): Source {
    return this.#source;
  }

  /** Walks through statements whose text is another: those of a body. */
  within(text: string, walk: () => void): void {
    const outer = this.#source;
    this.#source = { ...outer, text };
    walk();
    this.#source = outer;
  }

  /** A node, a list of them, or the contents of one. */
  walk(value: unknown, scope: Scope): void {
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value) this.walk(item, scope);
      return;
    }
    for (const key in value) {
      const below: unknown = (value as Record<string, unknown>)[key];
      if (typeof below !== 'object' || below === null) continue;
      const handler = this.#handlers.get(key);
      if (handler !== undefined) handler(below, scope, this);
      else if ('relname' in below) this.read(below as RangeVar, scope);
      else this.walk(below, scope);
    }
  }

  /** A relation whose rows are taken; the name of a common table expression is none. */
  read(range: RangeVar, scope: Scope): void {
    const { schemaname, relname, alias } = range;
    if (relname === undefined || (schemaname === undefined && scope.has(relname))) return;
    this.found.reads.add(schemaname ?? null, relname);
    if (readsUnnamed(range)) this.found.unknown.add('values of columns that statistics hold');
    this.#rows(range);
    if (alias?.colnames !== undefined) this.found.columns.add('*');
  }

  /** A relation that is changed. A common table expression never hides it (`setTargetTable` in parse_clause.c). */
  write(range: RangeVar | undefined): void {
    if (range?.relname === undefined) return;
    this.found.writes.add(range.schemaname ?? null, range.relname);
    this.#rows(range);
  }

  /** A relation whose rows are changed. */
  writeRows(range: RangeVar | undefined): void {
    this.write(range);
    if (range !== undefined && writesUnnamed(range)) this.found.unknown.add('a row of a system catalogue');
  }

  /** Those of the nodes that are RangeVars. */
  writeAll(nodes: readonly Node[] | undefined): void {
    for (const node of nodes ?? []) if ('RangeVar' in node) this.write(node.RangeVar);
  }

  /** A relation named by strings: database, schema and name, the first ones missing as in SQL. */
  writeNamed(parts: readonly string[]): void {
    const name = parts.at(-1);
    if (name !== undefined) this.found.writes.add(parts.at(-2) ?? null, name);
  }

  #rows(range: RangeVar): void {
    this.found.row(range.alias?.aliasname ?? range.relname ?? '');
  }
}
