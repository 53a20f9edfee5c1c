/** What a walk through a parse tree collects. */
import { KINDS, type Kind, type Relation } from './statement.ts';

const PLAIN = /^[^."]+$/;

/** `schema.name`, with a part quoted that would otherwise read as two. */
export function dotted(parts: readonly string[]): string {
  return parts.map((part) => (PLAIN.test(part) ? part : `"${part.replaceAll('"', '""')}"`)).join('.');
}

/** A parser's message as a reason: it can quote the rest of the text, a literal that is not closed for one. */
export function brief(message: string): string {
  return message.length <= 100 ? message : `${message.slice(0, 100).toWellFormed()}…`;
}

class Relations {
  readonly #all = new Map<string, Relation>();

  add(schema: string | null, name: string): void {
    const key = schema === null ? name : `${schema}\0${name}`;
    if (!this.#all.has(key)) this.#all.set(key, { schema, name });
  }

  get empty(): boolean {
    return this.#all.size === 0;
  }

  get list(): readonly Relation[] {
    return [...this.#all.values()];
  }
}

/** A column reference whose meaning the whole FROM decides. */
interface Reference {
  readonly qualifier: string | null;
  readonly name: string;
}

export class Found {
  readonly reads = new Relations();
  readonly writes = new Relations();
  readonly columns = new Set<string>();
  readonly functions = new Set<string>();
  readonly unknown = new Set<string>();
  readonly #kinds = new Set<Kind>();
  /** Names by which rows of relations can be meant as a whole. */
  readonly #rows = new Set(['old', 'new', 'excluded']);
  /** Names of functions' results in FROM: of those, `x.f` can be a call. */
  readonly #results = new Set<string>();
  readonly #references: Reference[] = [];
  where: boolean | null = null;
  limit = false;
  role: string | null = null;
  /** The findings depend on what a literal says, not only on its being there. */
  literal = false;

  kind(...kinds: readonly Kind[]): void {
    for (const kind of kinds) this.#kinds.add(kind);
  }

  has(kind: Kind): boolean {
    return this.#kinds.has(kind);
  }

  /** The session goes on as this role. */
  become(role: string | null): void {
    if (this.role !== null && this.role !== role) this.unknown.add('more than one role');
    this.role = role;
  }

  condition(restricts: boolean): void {
    this.where = restricts && this.where !== false;
  }

  row(name: string): void {
    this.#rows.add(name);
  }

  result(name: string): void {
    this.#results.add(name);
  }

  reference(qualifier: string | null, name: string): void {
    this.columns.add(name);
    this.#references.push({ qualifier, name });
  }

  /** To be called once, when the whole statement was walked. */
  settle(): void {
    for (const { qualifier, name } of this.#references) {
      if (this.#rows.has(name)) this.columns.add('*');
      if (qualifier !== null && this.#results.has(qualifier)) this.functions.add(name);
    }
    // Functions alone in FROM: no rows of a relation that a condition could leave out.
    if (this.where === false && this.reads.empty && this.writes.empty) this.where = null;
    if (this.unknown.size > 0) this.kind('unknown');
  }

  /**
   * Takes over what was found in a statement inside this one.
   * @param runs this one runs it: what it does is then done by this one
   */
  absorb(inner: Found, runs: boolean): void {
    for (const { schema, name } of inner.reads.list) this.reads.add(schema, name);
    for (const { schema, name } of inner.writes.list) this.writes.add(schema, name);
    for (const column of inner.columns) this.columns.add(column);
    for (const name of inner.functions) this.functions.add(name);
    for (const reason of inner.unknown) this.unknown.add(reason);
    this.where = inner.where;
    this.limit = inner.limit;
    if (!runs) return;
    this.kind(...inner.kinds);
    this.role = inner.role;
  }

  get kinds(): readonly Kind[] {
    return KINDS.filter((kind) => this.#kinds.has(kind));
  }
}
