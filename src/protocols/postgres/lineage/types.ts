/**
 * What lineage is asked with and what it answers. Names of catalogue fields are PostgreSQL's (manual, "System
 * Catalogs").
 */

/** A column: the OID of its relation (`pg_class.oid`) and its number in it (`pg_attribute.attnum`). */
export interface Origin {
  readonly relation: number;
  readonly attnum: number;
}

export interface CatalogueColumn {
  readonly name: string;
  readonly attnum: number;
  readonly typeOid: number;
  /** Its type is a row type, or an array or a domain of something that may be one. */
  readonly composite: boolean;
  /** `pg_get_expr` of a generated column's expression. */
  readonly generated: string | null;
}

export type RelationKind =
  | 'table'
  | 'partitioned'
  | 'view'
  | 'matview'
  | 'foreign'
  | 'sequence'
  | 'toast'
  | 'type'
  | 'other';

export interface CatalogueRelation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: RelationKind;
  /** In the order of `attnum`, without dropped ones and without system columns. */
  readonly columns: readonly CatalogueColumn[];
  /** `pg_get_viewdef` of a view or materialised view. */
  readonly definition: string | null;
  /**
   * The effective search path under which `definition` and `generated` were written, so under which they are
   * read.
   */
  readonly definitionPath: readonly string[];
  /** Of inheritance and partitions: the OIDs one step up, and one step down. */
  readonly parents: readonly number[];
  readonly children: readonly number[];
  /** It has rules other than a view's own: what a write to it does, and which rows it returns, is theirs. */
  readonly rules: boolean;
  /**
   * A write to it may run functions that did not come with the server: of triggers, defaults, checks and indexes, or by
   * what refers to it.
   */
  readonly acts: boolean;
  /** It is a view with INSTEAD OF triggers: what RETURNING gives is theirs. */
  readonly instead: boolean;
}

/** What a function's result is, as a FROM item. */
export type FunctionResult =
  /** `name` is that of its only OUT parameter. */
  | {
      readonly kind: 'scalar';
      readonly name: string | null;
      readonly typeOid: number;
      readonly composite: boolean;
    }
  | { readonly kind: 'columns'; readonly names: readonly string[] }
  | { readonly kind: 'relation'; readonly oid: number }
  /** As its arguments: anyelement and its like. */
  | { readonly kind: 'polymorphic' }
  | { readonly kind: 'record' };

/** One function, one of several of its name. */
export interface CatalogueFunction {
  readonly schema: string;
  readonly name: string;
  /**
   * `builtin`: came with the server, in C or SQL; `c`: C of an extension (only a superuser makes one); `sql`:
   * has a body that can be read; `other`: may do anything.
   */
  readonly kind: 'builtin' | 'c' | 'sql' | 'other';
  readonly volatility: 'immutable' | 'stable' | 'volatile';
  readonly result: FunctionResult;
  /** It returns a set. */
  readonly set: boolean;
  /** Of its input parameters, in order; null: unnamed. */
  readonly parameters: readonly (string | null)[];
  /** How many of the last ones have defaults. */
  readonly defaults: number;
  readonly variadic: boolean;
  /** The SELECT, or SQL-standard body, of kind `sql`. */
  readonly sqlBody: string | null;
  /** The search path under which `sqlBody` is read; null: whatever is set when it runs. */
  readonly bodyPath: readonly string[] | null;
}

/** What was read from one database: pure data, as of one moment. What it does not know is never cleared. */
export interface Catalogue {
  /**
   * The schemas in which names without one are looked for: pg_temp and pg_catalog in their places, `"$user"`
   * resolved.
   */
  readonly searchPath: readonly string[];
  /** @param schema null: the first of the search path that has it; `pg_temp` is this session's */
  relation(schema: string | null, name: string): CatalogueRelation | null;
  /** Those that the first of a name without a schema keeps from being seen. */
  hidden(name: string): readonly CatalogueRelation[];
  byOid(oid: number): CatalogueRelation | null;
  /** Every function that a call by this name could mean: in one schema, or anywhere on the path. */
  functions(schema: string | null, name: string): readonly CatalogueFunction[];
  /** Whether every operator that this could mean depends on its operands alone; false too where there is none. */
  operator(schema: string | null, name: string): boolean;
  /** A cast into a type of this name (in any schema) is done by a function that may do anything. */
  opaqueCast(type: string): boolean;
  /** The same facts seen from another search path. */
  at(searchPath: readonly string[]): Catalogue;
  /**
   * The same facts for a text whose search path is not known: a name without a schema means a relation only
   * where all schemas together have one of it, and functions and operators of all of them.
   */
  anywhere(): Catalogue;
}

/** Which columns are masked for this person. Asked once for each column; must be pure. */
export type Masked = (relation: CatalogueRelation, attnum: number) => boolean;

export interface ResultColumn {
  /** As the server will name it. Null: not known (SHOW, MERGE … RETURNING *). */
  readonly name: string | null;
  /** The masked columns on which its value may depend. Of inheritance: the columns that are tagged. */
  readonly origins: readonly Origin[];
  /** Its value is this column's, unchanged, and `origins` are what masks that very column. Null: anything else. */
  readonly direct: Origin | null;
  /** Why it can't be cleared of any column whatever; `origins` is then what is known. Null: it is traced. */
  readonly untraceable: string | null;
}

export type Lineage =
  | { readonly outcome: 'columns'; readonly columns: readonly ResultColumn[] }
  /** Nothing is known about any of its result columns, nor how many there are. */
  | { readonly outcome: 'untraceable'; readonly reason: string }
  /** It returns no rows. */
  | { readonly outcome: 'none' };

export type Traced = Lineage & {
  /**
   * Ways other than result columns by which masked values, or values that can't be traced, would go to where
   * they can be read without a mask: a sentence each. Not complete where the outcome is `untraceable`.
   */
  readonly leaks: readonly string[];
  /**
   * Masked columns that would get something else made of their own values: it stays masked, but of a form that shows a
   * part of a value it could show another.
   */
  readonly changed: readonly Origin[];
  /**
   * Masked columns that decide which rows come, or in which order (WHERE, ON, HAVING, ORDER BY, …). They
   * taint no result column: whoever may ask such conditions can learn values by asking many.
   */
  readonly conditions: readonly Origin[];
};
