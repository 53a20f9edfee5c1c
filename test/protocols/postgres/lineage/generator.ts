/**
 * Random SELECTs over the sample. No condition, order or key depends on a masked column: so of a database
 * that differs in masked values alone, the same rows come, and only columns that depend on those values
 * differ.
 */
import type { Random } from '../../../core/random.ts';
import { MASKED } from './sample.ts';

type Type = 'text' | 'int' | 'row';

interface Column {
  readonly name: string;
  readonly type: Type;
  /** It may be compared and joined by. */
  readonly open: boolean;
}

interface Source {
  readonly sql: string;
  readonly alias: string;
  readonly columns: readonly Column[];
}

const TABLES: Readonly<Record<string, readonly string[]>> = {
  people: ['id:int', 'name', 'ssn', 'phone', 'boss:int'],
  orders: ['id:int', 'person_id:int', 'note'],
  'hr.salaries': ['person_id:int', 'amount', 'currency'],
  staff: ['id:int', 'name', 'ssn'],
  parent_t: ['k:int', 'secret'],
  child_t: ['k:int', 'secret', 'extra'],
  base_t: ['k:int', 'secret'],
  kid_t: ['k:int', 'secret'],
  part: ['k:int', 'code'],
  part_1: ['k:int', 'code'],
  gen: ['id:int', 'ssn', 'last', 'twice:int'],
  notes: ['id:int', 'body', 'n:int'],
  v_people: ['id:int', 'label', 'nr'],
  v_nested: ['x', 'label', 'id:int'],
  v_clean: ['id:int', 'name'],
  v_star: ['id:int', 'name', 'ssn', 'phone', 'boss:int'],
  v_union: ['id:int', 'ssn'],
  v_cte: ['a', 'b:int'],
  'hr.v_pay': ['who:int', 'pay'],
  v_chain: ['id:int', 'path'],
  m_people: ['id:int', 'ssn'],
};

const HIDDEN: ReadonlySet<string> = new Set([
  ...MASKED,
  'child_t.secret',
  'base_t.secret',
  'part_1.code',
  'gen.last',
  'v_people.nr',
  'v_nested.x',
  'v_star.ssn',
  'v_star.phone',
  'v_union.ssn',
  'v_cte.a',
  'hr.v_pay.pay',
  'v_chain.path',
  'm_people.ssn',
]);

const tableColumns = (table: string): readonly Column[] =>
  (TABLES[table] ?? []).map((column) => {
    const [name = '', type = 'text'] = column.split(':');
    return { name, type: type as Type, open: !HIDDEN.has(`${table}.${name}`) };
  });

export class Generator {
  readonly #random: Random;
  #names = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  #chance(of: number): boolean {
    return this.#random.below(1000) < of * 1000;
  }

  #number(below: number): number {
    return this.#random.below(below);
  }

  #one<T>(from: readonly T[]): T {
    return this.#random.pick(from);
  }

  #name(prefix: string): string {
    this.#names += 1;
    return `${prefix}${this.#names}`;
  }

  /** A statement, with as many columns as it has names. */
  statement(): string {
    this.#names = 0;
    if (this.#chance(0.1)) return this.#modification();
    const depth = 1 + this.#number(3);
    return this.#query(depth, [], [], 1 + this.#number(4)).sql;
  }

  #modification(): string {
    const table = this.#one(['people', 'staff', 'part', 'parent_t', 'notes', 'gen', 'v_people']);
    const target: Source = { sql: table, alias: table, columns: tableColumns(table) };
    const list = this.#chance(0.3)
      ? '*'
      : Array.from({ length: 1 + this.#number(3) }, () => this.#expression('text', [target], 1, [])).join(
          ', ',
        );
    const [first] = target.columns;
    const change = this.#one([
      `update ${table} set ${first?.name} = ${table}.${first?.name}`,
      `delete from ${table}`,
    ]);
    const statement = `${change} returning ${list}`;
    return this.#chance(0.5) ? statement : `with changed as (${statement}) select * from changed`;
  }

  /** @param width how many columns; @param outer what a correlated subquery sees */
  #query(
    depth: number,
    outer: readonly Source[],
    tables: readonly Source[],
    width: number,
    texts = false,
  ): { sql: string; columns: readonly Column[] } {
    if (depth > 1 && this.#chance(0.2)) {
      const name = this.#name('w');
      const inner = this.#query(depth - 1, outer, tables, 1 + this.#number(3));
      const known = [...tables, { sql: name, alias: name, columns: inner.columns }];
      const rest = this.#query(depth - 1, outer, known, width, texts);
      const recursive = this.#chance(0.2) ? 'recursive ' : '';
      return { sql: `with ${recursive}${name} as (${inner.sql}) ${rest.sql}`, columns: rest.columns };
    }
    if (depth > 1 && this.#chance(0.15)) {
      const left = this.#query(depth - 1, outer, tables, width, true);
      const right = this.#query(depth - 1, outer, tables, width, true);
      const columns = left.columns.map((column, at) => ({
        ...column,
        open: column.open && right.columns[at]?.open === true,
      }));
      return { sql: `(${left.sql}) union all (${right.sql})`, columns };
    }
    return this.#select(depth, outer, tables, width, texts);
  }

  #select(
    depth: number,
    outer: readonly Source[],
    tables: readonly Source[],
    width: number,
    texts: boolean,
  ): { sql: string; columns: readonly Column[] } {
    const { sql: from, sources } = this.#from(depth, outer, tables);
    const aggregate = this.#chance(0.2);
    const columns: Column[] = [];
    const list = Array.from({ length: width }, () => {
      const type = texts ? 'text' : this.#one<Type>(['text', 'text', 'int']);
      const inner = this.#expression(type, sources, depth, tables);
      const value = aggregate ? this.#aggregate(type, inner, sources) : inner;
      const name = this.#name('c');
      // Whether an expression is open is not followed: none is.
      columns.push({ name, type, open: false });
      return `${value} as ${name}`;
    });
    const where = this.#chance(0.2) ? ` where ${this.#condition(sources)}` : '';
    return { sql: `select ${list.join(', ')} from ${from}${where}`, columns };
  }

  #aggregate(type: Type, inner: string, sources: readonly Source[]): string {
    const source = this.#one(sources);
    return type === 'int'
      ? this.#one([`max(${inner})`, `count(${inner})`, 'count(*)::int', `sum(${inner})::int`])
      : this.#one([
          `max(${inner})`,
          `string_agg(${inner}, ',')`,
          `array_agg(${inner})::text`,
          `jsonb_agg(${source.alias})::text`,
          `json_object_agg('k', ${inner})::text`,
          `(array_agg(${inner}))[1]`,
          `max(${inner}) filter (where ${this.#condition(sources)})`,
        ]);
  }

  #condition(sources: readonly Source[]): string {
    const open = sources.flatMap(({ alias, columns }) =>
      columns.filter((column) => column.open && column.type === 'int').map(({ name }) => `${alias}.${name}`),
    );
    return open.length === 0
      ? 'true'
      : `${this.#one(open)} ${this.#one(['>', '<=', '<>'])} ${this.#number(3)}`;
  }

  #table(tables: readonly Source[]): Source {
    const alias = this.#name('t');
    if (tables.length > 0 && this.#chance(0.4)) {
      const { sql, columns } = this.#one(tables);
      return { sql: `${sql} ${alias}`, alias, columns };
    }
    const table = this.#one(Object.keys(TABLES));
    const columns = tableColumns(table);
    if (this.#chance(0.85)) return { sql: `${table} as ${alias}`, alias, columns };
    const [first, ...rest] = columns;
    const renamed = this.#name('r');
    return {
      sql: `${table} as ${alias}(${renamed})`,
      alias,
      columns: first === undefined ? [] : [{ ...first, name: renamed }, ...rest],
    };
  }

  #source(depth: number, lateral: readonly Source[], tables: readonly Source[]): Source {
    const alias = this.#name('q');
    if (depth > 1 && this.#chance(0.3)) {
      const seen = lateral.length > 0 && this.#chance(0.5) ? lateral : [];
      const { sql, columns } = this.#query(depth - 1, seen, tables, 1 + this.#number(3));
      return { sql: `${seen.length > 0 ? 'lateral ' : ''}(${sql}) as ${alias}`, alias, columns };
    }
    if (lateral.length > 0 && this.#chance(0.15)) {
      const value = this.#expression('text', lateral, 1, []);
      const names = [this.#name('f'), this.#name('f')] as const;
      const text: Column[] = [{ name: names[0], type: 'text', open: false }];
      return this.#one([
        { sql: `unnest(array[${value}]) as ${alias}(${names[0]})`, alias, columns: text },
        {
          sql: `json_each_text(to_json(${this.#one(lateral).alias})) as ${alias}(${names[0]}, ${names[1]})`,
          alias,
          columns: [...text, { name: names[1], type: 'text', open: false }],
        },
        { sql: `lateral (values (${value})) as ${alias}(${names[0]})`, alias, columns: text },
        {
          sql: `regexp_split_to_table(coalesce(${value}, 'none'), 'never') with ordinality as ${alias}(${names[0]})`,
          alias,
          columns: text,
        },
      ]);
    }
    if (this.#chance(0.08))
      return {
        sql: `sql_people() as ${alias}`,
        alias,
        columns: tableColumns('people').map((c) => ({ ...c })),
      };
    return this.#table(tables);
  }

  #from(
    depth: number,
    outer: readonly Source[],
    tables: readonly Source[],
  ): { sql: string; sources: readonly Source[] } {
    const first = this.#source(depth, outer, tables);
    let sql = first.sql;
    const own = [first];
    while (own.length < 3 && this.#chance(0.35)) {
      const next = this.#source(depth, own, tables);
      const join = this.#one([', ', ' cross join ', ' left join ', ' join ', ' full join ']);
      // What sees the left side may not stand behind a full join.
      const safe = join === ' full join ' && /lateral|\(/.test(next.sql) ? ' left join ' : join;
      const on = safe === ', ' || safe === ' cross join ' ? '' : ' on true';
      sql = `${sql}${safe}${next.sql}${on}`;
      own.push(next);
    }
    return { sql, sources: [...own, ...outer] };
  }

  #columnsOf(type: Type, sources: readonly Source[]): string[] {
    return sources.flatMap(({ alias, columns }) =>
      columns.filter((column) => column.type === type).map(({ name }) => `${alias}.${name}`),
    );
  }

  #expression(type: Type, sources: readonly Source[], depth: number, tables: readonly Source[]): string {
    const inner = (wanted: Type) => this.#expression(wanted, sources, depth, tables);
    const columns = this.#columnsOf(type, sources);
    if (columns.length > 0 && this.#chance(0.45)) return this.#one(columns);
    const { alias, columns: own } = this.#one(sources);
    const subquery = (what: string, where = 'true') => {
      const source = this.#table(tables);
      const found = this.#columnsOf('text', [source]);
      const column = found.length === 0 ? "'none'" : this.#random.pick(found);
      return `(select ${what.replace('$', column)} from ${source.sql} where ${where.replace('$', column)})`;
    };
    if (type === 'int')
      return this.#one([
        () => `length(${inner('text')})`,
        () => `${inner('int')} + 1`,
        () => `case when ${inner('text')} like '%1' then 1 else 2 end`,
        () => `(${inner('text')} = ${inner('text')})::int`,
        () => `(${inner('text')} is null)::int`,
        () => String(this.#number(5)),
        () => `coalesce(${inner('int')}, 0)`,
        () => `ascii(right(${inner('text')}, 1))`,
        () => `(${inner('text')} in (${inner('text')}, 'x'))::int`,
        () => (depth > 1 ? `(exists ${subquery('$', "$ like '%1'")})::int` : '7'),
        () => (depth > 1 ? subquery('count(*)::int', "$ like '%1'") : '7'),
        () => (depth > 1 ? subquery('count(*)::int', 'length($) > 12') : '7'),
        () => `(exists (select from generate_series(1, length(${inner('text')}) - 12)))::int`,
        () => `(select count(*) from (select generate_series(1, length(${inner('text')}))) as g)::int`,
        () => `(select 1 from people where ssn = ${inner('text')} limit 1)`,
        () => `(select max(id) from staff where ${inner('text')} like '%1')`,
        () => (depth > 1 ? subquery('count($)::int') : '8'),
        () => (depth > 1 ? `(${inner('text')} = any ${subquery('$')})::int` : '9'),
      ])();
    return this.#one([
      () => `${inner('text')} || 'x'`,
      () => `upper(${inner('text')})`,
      () => `coalesce(${inner('text')}, 'none')`,
      () => `case when ${inner('int')} > 1 then ${inner('text')} else ${inner('text')} end`,
      () => `${inner('int')}::text`,
      () => `${alias}::text`,
      () => `row_to_json(${alias})::text`,
      () => `to_jsonb(${alias})::text`,
      () => `(to_jsonb(${alias}) ->> '${own[0]?.name ?? 'x'}')`,
      () => `row(${inner('text')}, ${inner('int')})::text`,
      () => `(array[${inner('text')}, 'x'])[1]`,
      () => `(${alias}).${this.#one(own)?.name ?? 'x'}::text`,
      () => `concat_ws('-', ${inner('text')}, ${inner('int')})`,
      () => `json_build_object('a', ${inner('text')})::text`,
      () => `nullif(${inner('text')}, 'x')`,
      () => `greatest(${inner('text')}, ${inner('text')})`,
      () => `md5(${inner('text')})`,
      () => `xmlforest(${inner('text')} as a)::text`,
      () => `sql_return(${inner('text')})`,
      () => `sql_ssn(${inner('int')})`,
      () => `sql_name(${inner('int')})`,
      () => `first_value(${inner('text')}) over ()`,
      () => `'constant'`,
      () => (depth > 1 ? subquery('max($)') : `'leaf'`),
      () => (depth > 1 ? `array${subquery('$')}::text` : `'leaf'`),
      () =>
        depth > 1
          ? `(select max(c) from (${this.#query(depth - 1, sources, tables, 1, true).sql}) as z(c))`
          : `'leaf'`,
    ])();
  }
}
