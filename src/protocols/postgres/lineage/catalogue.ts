/** A catalogue out of the rows that `CATALOGUE_SQL` gave: pure assembly, no reading. */
import type { CATALOGUE_SQL } from './catalogue-sql.ts';
import type {
  Catalogue,
  CatalogueColumn,
  CatalogueFunction,
  CatalogueRelation,
  FunctionResult,
  RelationKind,
} from './types.ts';

export {
  AFTER,
  AFTER_WITHIN,
  BEFORE,
  BEFORE_WITHIN,
  CATALOGUE_SQL,
  FINGERPRINT_SQL,
  SEARCH_PATH_SQL,
} from './catalogue-sql.ts';

/** A row in the text format. */
export type Row = readonly (string | null)[];
export type CatalogueRows = Readonly<Record<keyof typeof CATALOGUE_SQL, readonly Row[]>>;

/** What a server said of its catalogue makes no sense. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
}

/** One database's catalogue as of one moment, before anybody looks at it from a search path. */
export interface Snapshot {
  readonly relations: ReadonlyMap<number, CatalogueRelation>;
  /** By `key`. */
  readonly named: ReadonlyMap<string, CatalogueRelation>;
  readonly functions: ReadonlyMap<string, readonly CatalogueFunction[]>;
  readonly operators: ReadonlyMap<string, boolean>;
  /** By name alone; null: several schemas have one. */
  readonly unique: ReadonlyMap<string, CatalogueRelation | null>;
  /** All that have a function or an operator. */
  readonly schemas: readonly string[];
  readonly casts: ReadonlySet<string>;
}

/** Where a session looks for names that have no schema. */
export interface SearchPath {
  /** `current_schemas(true)`. */
  readonly schemas: readonly string[];
  /** What pg_temp is. Null: nothing yet. */
  readonly temporary: string | null;
}

const KINDS: Readonly<Record<string, RelationKind>> = {
  r: 'table',
  p: 'partitioned',
  v: 'view',
  m: 'matview',
  f: 'foreign',
  S: 'sequence',
  t: 'toast',
  c: 'type',
};

const key = (schema: string, name: string): string => `${schema}\0${name}`;

/** Reads the fields of one row, by place. */
class Fields {
  readonly #row: Row;
  readonly #what: string;

  constructor(row: Row, what: keyof CatalogueRows) {
    this.#row = row;
    this.#what = what;
  }

  maybe(at: number): string | null {
    const value = this.#row[at];
    if (value === undefined) throw new CatalogueError(`${this.#what}: a row has no field ${at + 1}`);
    return value;
  }

  text(at: number): string {
    const value = this.maybe(at);
    if (value === null) throw new CatalogueError(`${this.#what}: field ${at + 1} is null`);
    return value;
  }

  number(at: number): number {
    const value = this.text(at);
    if (!/^\d{1,10}$/.test(value)) throw new CatalogueError(`${this.#what}: field ${at + 1} is no number`);
    return Number(value);
  }

  flag(at: number): boolean {
    const value = this.text(at);
    if (value !== 't' && value !== 'f')
      throw new CatalogueError(`${this.#what}: field ${at + 1} is no boolean`);
    return value === 't';
  }

  /** A JSON array of strings. Null: null. */
  list(at: number): readonly string[] | null {
    const value = this.maybe(at);
    return value === null ? null : strings(value, `${this.#what}: field ${at + 1}`);
  }
}

function strings(json: string, what: string): readonly string[] {
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch {
    throw new CatalogueError(`${what} is no JSON`);
  }
  if (!Array.isArray(list) || list.some((each) => typeof each !== 'string'))
    throw new CatalogueError(`${what} is no list of names`);
  return list;
}

function grouped<K, V>(entries: Iterable<readonly [K, V]>): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const [name, value] of entries) {
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [value]);
    else group.push(value);
  }
  return groups;
}

interface Column extends CatalogueColumn {
  readonly path: readonly string[] | null;
}

function readColumn(row: Row): readonly [number, Column] {
  const f = new Fields(row, 'columns');
  const column = { attnum: f.number(1), name: f.text(2), typeOid: f.number(3), composite: f.flag(4) };
  return [f.number(0), { ...column, generated: f.maybe(5), path: f.list(6) }];
}

function readRelations(rows: CatalogueRows): Map<number, CatalogueRelation> {
  const columns = grouped(rows.columns.map(readColumn));
  const definitions = new Map(
    rows.definitions.map((row) => {
      const f = new Fields(row, 'definitions');
      return [f.number(0), { text: f.maybe(1), path: f.list(2) ?? [] }] as const;
    }),
  );
  const pairs = rows.inheritance.map((row) => {
    const f = new Fields(row, 'inheritance');
    return [f.number(0), f.number(1)] as const;
  });
  const parents = grouped(pairs);
  const children = grouped(pairs.map(([child, parent]) => [parent, child] as const));
  return new Map(
    rows.relations.map((row) => {
      const f = new Fields(row, 'relations');
      const oid = f.number(0);
      const own = columns.get(oid) ?? [];
      const definition = definitions.get(oid);
      const relation: CatalogueRelation = {
        oid,
        schema: f.text(1),
        name: f.text(2),
        kind: KINDS[f.text(3)] ?? 'other',
        columns: own.map(({ path: _, ...column }) => column),
        definition: definition?.text ?? null,
        definitionPath: definition?.path ?? own.find(({ path }) => path !== null)?.path ?? [],
        parents: parents.get(oid) ?? [],
        children: children.get(oid) ?? [],
        rules: f.flag(4),
        instead: f.flag(5),
        acts: f.flag(6),
      };
      return [oid, relation] as const;
    }),
  );
}

/** anyelement, anyarray, anynonarray, anyenum, anyrange, anymultirange and the anycompatible family. */
const POLYMORPHIC: ReadonlySet<number> = new Set([
  2283, 2277, 2776, 3500, 3831, 4537, 5077, 5078, 5079, 5080, 4538,
]);
const RECORD = 2249;
const VOLATILITY = { i: 'immutable', s: 'stable', v: 'volatile' } as const;

function readResult(f: Fields, names: readonly string[], modes: readonly string[]): FunctionResult {
  const typeOid = f.number(5);
  const outs = modes.flatMap((mode, at) => (/^[obt]$/.test(mode) ? [names[at] ?? ''] : []));
  if (outs.length > 1 || (outs.length === 1 && typeOid === RECORD))
    return { kind: 'columns', names: outs.map((name, at) => (name === '' ? `column${at + 1}` : name)) };
  if (typeOid === RECORD) return { kind: 'record' };
  if (POLYMORPHIC.has(typeOid)) return { kind: 'polymorphic' };
  if (f.text(6) === 'c') return { kind: 'relation', oid: f.number(7) };
  const [name = ''] = outs;
  return { kind: 'scalar', name: name === '' ? null : name, typeOid, composite: f.flag(8) };
}

function readFunction(row: Row): CatalogueFunction {
  const f = new Fields(row, 'functions');
  const names = f.list(9) ?? [];
  const modes = f.list(10) ?? [];
  const inputs = modes.length === 0 ? names : names.filter((_, at) => /^[ibv]$/.test(modes[at] ?? ''));
  const language = f.maybe(3) ?? '';
  const builtin = f.flag(2) && /^(?:internal|c|sql)$/.test(language);
  const sqlBody = f.maybe(15);
  const readable = language === 'sql' && sqlBody !== null && !f.flag(14);
  const volatility = VOLATILITY[f.text(4) as keyof typeof VOLATILITY];
  if (volatility === undefined) throw new CatalogueError('functions: a volatility is not known');
  return {
    schema: f.text(0),
    name: f.text(1),
    kind: builtin
      ? 'builtin'
      : language === 'c' || language === 'internal'
        ? 'c'
        : readable
          ? 'sql'
          : 'other',
    volatility,
    result: readResult(f, names, modes),
    parameters: Array.from({ length: f.number(11) }, (_, at) => inputs[at] || null),
    defaults: f.number(12),
    variadic: f.flag(13),
    sqlBody: readable ? sqlBody : null,
    bodyPath: f.list(16),
    set: f.flag(17),
  };
}

/** @throws CatalogueError for rows of another form */
export function assemble(rows: CatalogueRows): Snapshot {
  const relations = readRelations(rows);
  const functions = grouped(
    rows.functions.map(readFunction).map((each) => [key(each.schema, each.name), each] as const),
  );
  const operators = new Map<string, boolean>();
  for (const row of rows.operators) {
    const f = new Fields(row, 'operators');
    const name = key(f.text(0), f.text(1));
    operators.set(name, f.flag(2) && operators.get(name) !== false);
  }
  const unique = new Map<string, CatalogueRelation | null>();
  for (const relation of relations.values())
    unique.set(relation.name, unique.has(relation.name) ? null : relation);
  const schemas = new Set([...functions.values()].flatMap((all) => all.map(({ schema }) => schema)));
  for (const row of rows.operators) schemas.add(row[0] ?? '');
  return {
    relations,
    unique,
    schemas: [...schemas],
    named: new Map([...relations.values()].map((each) => [key(each.schema, each.name), each])),
    functions,
    operators,
    casts: new Set(rows.casts.map((row) => new Fields(row, 'casts').text(0))),
  };
}

/** @throws CatalogueError for a row that `SEARCH_PATH_SQL` does not give */
export function readSearchPath(row: Row): SearchPath {
  const [schemas, temporary] = row;
  if (typeof schemas !== 'string' || temporary === undefined)
    throw new CatalogueError('the search path is missing');
  return { schemas: strings(schemas, 'the search path'), temporary };
}

/** A snapshot, seen by a session. */
export function catalogueOf(snapshot: Snapshot, path: SearchPath): Catalogue {
  const { schemas, temporary } = path;
  return seen(
    snapshot,
    path,
    (name) =>
      schemas.map((schema) => snapshot.named.get(key(schema, name))).filter((each) => each !== undefined),
    // Functions and operators are never looked for in the temporary schema unless it is named.
    schemas.filter((schema) => schema !== temporary),
  );
}

function fromAnywhere(snapshot: Snapshot, path: SearchPath): Catalogue {
  const unqualified = (name: string): readonly CatalogueRelation[] => {
    const only = snapshot.unique.get(name) ?? null;
    return only === null ? [] : [only];
  };
  return seen(snapshot, path, unqualified, snapshot.schemas);
}

/**
 * @param unqualified what a relation's name without a schema means, and what that hides
 * @param callable the schemas in which functions and operators are looked for
 */
function seen(
  snapshot: Snapshot,
  path: SearchPath,
  unqualified: (name: string) => readonly CatalogueRelation[],
  callable: readonly string[],
): Catalogue {
  const { schemas, temporary } = path;
  const actual = (schema: string): string => (schema === 'pg_temp' ? (temporary ?? schema) : schema);
  return {
    searchPath: schemas,
    relation: (schema, name) =>
      schema === null
        ? (unqualified(name)[0] ?? null)
        : (snapshot.named.get(key(actual(schema), name)) ?? null),
    hidden: (name) => unqualified(name).slice(1),
    byOid: (oid) => snapshot.relations.get(oid) ?? null,
    functions: (schema, name) =>
      schema === null
        ? callable.flatMap((each) => snapshot.functions.get(key(each, name)) ?? [])
        : (snapshot.functions.get(key(actual(schema), name)) ?? []),
    operator(schema, name) {
      const found = (schema === null ? callable : [schema]).map((each) =>
        snapshot.operators.get(key(each, name)),
      );
      return found.includes(true) && !found.includes(false);
    },
    opaqueCast: (type) => snapshot.casts.has(type),
    at: (searchPath) => catalogueOf(snapshot, { schemas: searchPath, temporary }),
    anywhere: () => fromAnywhere(snapshot, path),
  };
}
