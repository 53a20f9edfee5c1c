/**
 * Random SELECTs in which few names mean many things: aliases, columns, whole rows, common table expressions
 * and tables shadow each other, and most references have no qualifier. Many are ambiguous, and the server
 * refuses them.
 */
import type { Random } from '../../../core/random.ts';

const TABLES: Readonly<Record<string, readonly string[]>> = {
  ta: ['id', 'name', 'ssn'],
  tb: ['id', 'note', 'name'],
  tc: ['ssn', 'id', 'x'],
  td: ['x', 'note', 'id', 'list'],
  ids: ['id', 'name', 'ta', 'x'],
  va: ['id', 'ssn', 'name'],
};
const NAMES = ['ta', 'tb', 'ids', 'x', 'a'] as const;
const COLUMNS = ['id', 'name', 'ssn', 'note', 'x', 'ta', 'list'] as const;

interface Source {
  readonly alias: string;
  readonly columns: readonly string[];
}

interface Made {
  readonly sql: string;
  readonly columns: readonly string[];
}

interface From {
  readonly sql: string;
  readonly sources: readonly Source[];
}

/** What can be seen: FROM items, the innermost first, and what WITH defines. */
interface Seen {
  readonly sources: readonly Source[];
  readonly tables: readonly Source[];
}

export class Names {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  #chance(of: number): boolean {
    return this.#random.below(1000) < of * 1000;
  }

  #pick<T>(...from: readonly T[]): T {
    return this.#random.pick(from);
  }

  #times<T>(most: number, make: () => T): T[] {
    return Array.from({ length: 1 + this.#random.below(most) }, make);
  }

  statement(): string {
    return this.#query(1 + this.#random.below(4), { sources: [], tables: [] }).sql;
  }

  #query(depth: number, seen: Seen, width = 0): Made {
    if (depth > 1 && this.#chance(0.3)) return this.#with(depth - 1, seen, width);
    if (depth > 1 && this.#chance(0.12)) {
      const wide = width || 1 + this.#random.below(2);
      const [left, right] = [this.#query(depth - 1, seen, wide), this.#query(depth - 1, seen, wide)];
      const how = this.#pick('union all', 'union all', 'except', 'union');
      return { sql: `(${left.sql}) ${how} (${right.sql})`, columns: left.columns };
    }
    const { sql, sources } = this.#from(depth, seen);
    const own = { sources: [...sources, ...sources, ...seen.sources], tables: seen.tables };
    const results = Array.from({ length: width || 1 + this.#random.below(3) }, () =>
      this.#result(depth, own, sources, width > 0),
    );
    const where = this.#chance(0.1) ? ` where ${this.#value(1, own)} is not null` : '';
    const columns = results.flatMap((each) => each.columns);
    return { sql: `select ${results.map((each) => each.sql).join(', ')} from ${sql}${where}`, columns };
  }

  #with(depth: number, seen: Seen, width: number): Made {
    if (this.#chance(0.2)) {
      const name = this.#pick(...NAMES);
      const step = this.#pick(
        'r.name, r.id, r.ssn',
        'r.ssn, q.x, r.name',
        'q.ssn, r.name, r.id',
        'r.id, r.ssn, q.x',
      );
      const start = 'select id, name, ssn, 1 as deep from public.ta as q';
      const sql = `with recursive ${name} as (${start} union all select ${step}, r.deep + 1 from ${name} as r, public.tc as q where deep < 3)`;
      const columns = ['id', 'name', 'ssn', 'deep'];
      const rest = this.#query(depth, { ...seen, tables: [{ alias: name, columns }, ...seen.tables] }, width);
      return { sql: `${sql} ${rest.sql}`, columns: rest.columns };
    }
    let tables = seen.tables;
    const parts = this.#times(2, () => {
      const alias = this.#pick(...NAMES);
      const { sql, columns } = this.#query(depth, { ...seen, tables });
      const renamed = this.#chance(0.3) ? [this.#pick(...COLUMNS)] : [];
      tables = [{ alias, columns: [...renamed, ...columns.slice(renamed.length)] }, ...tables];
      return `${alias}${renamed.length > 0 ? `(${renamed.join()})` : ''} as (${sql})`;
    });
    const rest = this.#query(depth, { ...seen, tables }, width);
    return {
      sql: `with ${this.#chance(0.15) ? 'recursive ' : ''}${parts.join(', ')} ${rest.sql}`,
      columns: rest.columns,
    };
  }

  #from(depth: number, seen: Seen): From {
    const items: From[] = [];
    for (const _ of this.#times(depth > 1 ? 3 : 2, () => 0)) {
      const beside = items.flatMap(({ sources }) => sources);
      items.push(this.#item(depth, seen, beside));
    }
    return {
      sql: items.map(({ sql }) => sql).join(', '),
      sources: items.flatMap(({ sources }) => sources),
    };
  }

  #item(depth: number, seen: Seen, beside: readonly Source[]): From {
    const left = this.#plain(depth, seen, beside);
    if (!this.#chance(0.4)) return left;
    const right = this.#plain(depth, seen, [...beside, ...left.sources]);
    const sources = [...left.sources, ...right.sources];
    const common = (left.sources[0]?.columns ?? []).filter((name) =>
      right.sources[0]?.columns.includes(name),
    );
    const by = common.length > 0 ? this.#random.pick(common) : 'id';
    const [l, r] = [left.sql, right.sql];
    const sql = this.#pick(
      `${l} ${this.#pick('join', 'left join', 'right join', 'full join')} ${r} using (${by})`,
      `${l} natural ${this.#pick('left join', 'full join', 'right join')} ${r}`,
      `${l} cross join ${r}`,
      `${l} left join ${r} on true`,
      `${l} left join ${r} using (${by}) as ${this.#pick(...NAMES)}`,
    );
    if (!this.#chance(0.25)) return { sql, sources };
    if (this.#chance(0.3)) return { sql: `(${sql})`, sources };
    const alias = this.#pick(...NAMES);
    return {
      sql: `(${sql}) as ${alias}`,
      sources: [{ alias, columns: sources.flatMap((each) => each.columns) }],
    };
  }

  /** With an alias, perhaps, and some columns' names. */
  #aliased(sql: string, { alias, columns }: Source, always: boolean): From {
    if (!always && this.#chance(0.45)) return { sql, sources: [{ alias, columns }] };
    const name = this.#pick(...NAMES);
    const renamed = this.#chance(0.25)
      ? this.#times(Math.min(2, columns.length), () => this.#pick(...COLUMNS))
      : [];
    const list = renamed.length > 0 ? `(${renamed.join()})` : '';
    return {
      sql: `${sql} as ${name}${list}`,
      sources: [{ alias: name, columns: [...renamed, ...columns.slice(renamed.length)] }],
    };
  }

  #plain(depth: number, seen: Seen, beside: readonly Source[]): From {
    if (depth > 1 && this.#chance(0.3)) {
      const lateral = this.#chance(0.5);
      const around = lateral ? { ...seen, sources: [...beside, ...seen.sources] } : seen;
      const { sql, columns } = this.#query(depth - 1, around);
      return this.#aliased(`${lateral ? 'lateral ' : ''}(${sql})`, { alias: '', columns }, true);
    }
    if (beside.length > 0 && this.#chance(0.2)) {
      const around = { ...seen, sources: beside };
      const value = this.#value(1, around);
      const [sql, columns] = this.#pick<readonly [string, readonly string[]]>(
        [`unnest(array[${value}])`, ['unnest']],
        [`json_each_text(to_json(${this.#random.pick(beside).alias}))`, ['key', 'value']],
        [`unnest(array[${value}], array['y']) with ordinality`, ['unnest', 'unnest', 'ordinality']],
        [`lateral (values (${value}, ${this.#value(1, around)}))`, ['column1', 'column2']],
        ['generate_series(1, 2)', ['generate_series']],
      );
      return this.#aliased(sql, { alias: 'nothing', columns }, true);
    }
    const [table] = this.#chance(0.4) ? seen.tables : [];
    if (table !== undefined) return this.#aliased(table.alias, table, false);
    const name = this.#pick(...Object.keys(TABLES));
    const schema = this.#chance(0.4) ? 'public.' : '';
    return this.#aliased(`${schema}${name}`, { alias: name, columns: TABLES[name] ?? [] }, false);
  }

  #value(depth: number, seen: Seen): string {
    const source = seen.sources.length > 0 && this.#chance(0.9) ? this.#random.pick(seen.sources) : null;
    const alias = source?.alias ?? this.#pick(...NAMES);
    const column = source === null ? this.#pick(...COLUMNS) : this.#random.pick([...source.columns, 'id']);
    return this.#pick(
      () => column,
      () => column,
      () => `${alias}.${column}`,
      () => `${alias}.${column}`,
      () => `(${alias}).${column}`,
      () => `${alias}::text`,
      () => `public.${alias}.${column}`,
      () => (depth > 1 ? `(${this.#query(depth - 1, seen, 1).sql} limit 1)` : `${alias}.${column}`),
      () => (depth > 1 ? `array(${this.#query(depth - 1, seen, 1).sql})` : `${alias}.${column}`),
      () => `row_to_json(${alias})`,
    )();
  }

  #result(depth: number, seen: Seen, own: readonly Source[], single: boolean): Made {
    if (!single && this.#chance(0.15)) {
      const source = this.#random.pick(own);
      if (this.#chance(0.4)) return { sql: '*', columns: own.flatMap(({ columns }) => columns) };
      return { sql: this.#pick(`${source.alias}.*`, `(${source.alias}).*`), columns: source.columns };
    }
    const value = this.#value(depth, seen);
    const last = /(\w+)$/.exec(value)?.[1] ?? 'row_to_json';
    if (!this.#chance(0.3)) return { sql: value, columns: [last] };
    const name = this.#pick(...COLUMNS);
    return { sql: `${value} as ${name}`, columns: [name] };
  }
}
