/** A database with masked columns: every value of one holds MARKER. */
import { dirname } from 'node:path';
import pg from 'pg';
import {
  AFTER,
  assemble,
  BEFORE,
  CATALOGUE_SQL,
  type CatalogueRows,
  catalogueOf,
  type Row,
  readSearchPath,
  SEARCH_PATH_SQL,
  type Snapshot,
} from '../../../../src/protocols/postgres/lineage/catalogue.ts';
import type { Catalogue, Masked, Origin, Traced } from '../../../../src/protocols/postgres/lineage/index.ts';

export const MARKER = 'SECRET';

export const MASKED: ReadonlySet<string> = new Set([
  'people.ssn',
  'people.phone',
  'hr.salaries.amount',
  'staff.ssn',
  'parent_t.secret',
  'kid_t.secret',
  'part.code',
  'gen.ssn',
  'ta.ssn',
  'tb.name',
  'tc.id',
  'td.x',
]);

export const SCHEMA = `
create schema hr;
create schema evil;
create table people (id int primary key, name text, ssn text, phone text, born date, boss int, tags text[]);
create table orders (id int primary key, person_id int, total numeric, note text, doc jsonb default '{}');
create table hr.salaries (person_id int, amount text, currency text);
create table staff (id int, name text, ssn text);
create table vault (id int, person people, several people[]);
create table parent_t (k int, secret text);
create table child_t (extra text) inherits (parent_t);
create table base_t (k int, secret text);
create table kid_t () inherits (base_t);
create table part (k int, code text) partition by range (k);
create table part_1 partition of part for values from (0) to (2);
create table part_2 partition of part for values from (2) to (100);
create table gen (id int, ssn text, last text generated always as (right(ssn, 8)) stored,
                  twice int generated always as (id * 2) stored);
create table notes (id int, body text, arr text[], n int);
create table strange ("select" text, "A b" text, count int);
create table ruled (id int, note text);
create rule tell as on insert to ruled do also select ssn from people;
create sequence counter;
create table ta (id text, name text, ssn text);
create table tb (id text, note text, name text);
create table tc (ssn text, id text, x text);
create table td (x text, note text, id text, list text[]);
create table ids (id text, name text, ta text, x text);
insert into ta values ('1', 'a1', 'SECRET-ta-1'), ('2', 'a2', 'SECRET-ta-2');
insert into tb values ('1', 'b1', 'SECRET-tb-1'), ('2', 'b2', 'SECRET-tb-2');
insert into tc values ('c1', 'SECRET-tc-1', '1'), ('c2', 'SECRET-tc-2', '2');
insert into td values ('SECRET-td-1', 'd1', '1', array['l1']), ('SECRET-td-2', 'd2', '2', array['l2']);
insert into ids values ('1', 'i1', 'j1', '1'), ('2', 'i2', 'j2', '2');
create view va as select ssn as id, name as ssn, id as name from ta;

insert into people select i, 'name ' || i, 'SECRET-ssn-' || i, 'SECRET-phone-' || i, date '1980-01-01' + i, i - 1,
  array['tag', 'tag ' || i] from generate_series(1, 3) i;
insert into orders select i, 1 + i % 3, i * 10, 'note ' || i, '{"a": 1}' from generate_series(1, 4) i;
insert into hr.salaries select i, 'SECRET-amount-' || i, 'EUR' from generate_series(1, 3) i;
insert into staff select i, 'name ' || i, 'SECRET-staff-' || i from generate_series(1, 2) i;
insert into vault select 1, p, array[p] from people p where id = 1;
update vault set person.ssn = 'kept', person.phone = 'kept', several = array[(1, 'a', 'b', 'c', null, null, null)::people];
insert into parent_t values (1, 'SECRET-parent');
insert into child_t values (2, 'SECRET-child', 'x');
insert into base_t values (1, 'plain');
insert into kid_t values (2, 'SECRET-kid');
insert into part values (1, 'SECRET-part-1'), (2, 'SECRET-part-2');
insert into gen values (1, 'SECRET-gen-1');
update gen set ssn = 'xxxSECRET';
insert into notes values (1, 'body', array['a', 'b'], 5);
insert into strange values ('x', 'y', 1);
insert into ruled values (1, 'x');

create view v_people as select id, name as label, ssn as nr from people;
create view v_nested as select nr || '' as x, label, id from v_people;
create view v_clean as select id, name from people where ssn <> 'S';
create view v_star as select * from people;
create view v_union as select id, ssn from people union all select id, ssn from staff;
create view v_cte as with s as (select ssn from people) select ssn as a, 1 as b from s;
create view v_json as select id, row_to_json(p) as j from people p;
create view hr.v_pay (who, pay) as select person_id, amount from hr.salaries;
create recursive view v_chain (id, path) as
  select id, ssn from people where boss = 0 union all select p.id, c.path || p.name from people p join v_chain c on p.boss = c.id;
create materialized view m_people as select id, ssn from people;
create view v_instead as select id, body from notes;
create view v_opaque as select 1 as a, 'x'::text as b;

create function sql_ssn(int) returns text language sql stable as 'select ssn from people where id = $1';
create function sql_name(wanted int) returns text language sql stable as 'select name from people where id = wanted';
create function sql_people() returns setof people language sql stable as 'select * from people';
create function sql_pair(x text, out a text, out b text) language sql as 'select x, ''b''::text';
create function sql_both(x text, y text) returns text language sql as 'select sql_both.x';
create function sql_atomic(i int) returns text language sql begin atomic select ssn from people where id = i; end;
create function sql_return(x text) returns text language sql return upper(x);
create function sql_two() returns text language sql as 'select ''a''::text; select ssn from people limit 1';
create function sql_stash(text) returns text language sql as 'select set_config(''app.x'', $1, false)';
create function sql_deep(x int) returns text language sql as 'select sql_ssn(x)';
create function sql_optional(x text default 'd') returns text language sql as 'select x';
create function pl_ssn(n int) returns text language plpgsql as 'begin return (select ssn from people where id = n); end';
create function pl_same(x text) returns text language plpgsql immutable as 'begin return x; end';
create function pl_table() returns table (a int, b text) language plpgsql as 'begin return query select id, ssn from people; end';
create function pl_add(a int, b int) returns text language plpgsql as 'begin return (select ssn from people where id = a); end';
create function pl_notes(n notes) returns text language plpgsql as 'begin return (select ssn from people limit 1); end';
create function sql_notes(n notes) returns text language sql as 'select n.body';
create function evil.count(x text) returns text language plpgsql as 'begin return x; end';
create function pl_boxed(int) returns notes language plpgsql as
  'begin return ($1, (select ssn from people where id = $1), null, 1)::notes; end';
create operator ### (leftarg = int, rightarg = int, function = pl_add);
create operator <~> (leftarg = text, rightarg = text, function = pg_catalog.texteq);
create cast (int as notes) with function pl_boxed(int);
create function instead() returns trigger language plpgsql as
  'begin new.body := (select ssn from people limit 1); return new; end';
create trigger instead instead of insert on v_instead for each row execute function instead();
create procedure pl_proc(inout x text) language plpgsql as 'begin x := (select ssn from people limit 1); end';
create view v_calls as select id, sql_ssn(id) as found, sql_name(id) as called from notes;
create function sql_record() returns setof record language sql as 'select name, ssn from people';
create table hr.twice (a text);
create table evil.twice (a text);
set check_function_bodies = off;
create function sql_twice() returns text language sql as 'select a from twice';
set check_function_bodies = on;
create procedure pl_quiet(n int) language plpgsql as 'begin end';
create function replace(x notes, y text, z text) returns text language sql as 'select pg_catalog.replace(x.body, y, z)';
create function sql_person(wanted text) returns people language sql as 'select p from people p where ssn = wanted';
create aggregate c_agg (text) (sfunc = textcat, stype = text, initcond = '');
create function pl_cat(a text, b text) returns text language plpgsql immutable as 'begin return a || (select max(ssn) from people); end';
create aggregate pl_agg (text) (sfunc = pl_cat, stype = text, initcond = '');
create type mood as enum ('sad', 'glad');
create domain short as text check (length(value) < 100);
create or replace view v_opaque as select 1 as a, pl_ssn(1) as b;
create statistics people_stats (mcv) on name, ssn from people;
analyze;
`;

export const client = (path: string, database = 'postgres'): pg.Client =>
  // Every value as the server wrote it.
  new pg.Client({
    host: dirname(path),
    user: 'free',
    database,
    types: { getTypeParser: () => (text: string) => text } as never,
  });

async function rowsOf(db: pg.Client, text: string): Promise<readonly Row[]> {
  const { rows } = await db.query({ text, rowMode: 'array' });
  return rows as Row[];
}

/** @param reader a connection whose search path nobody else sets */
export async function readSnapshot(reader: pg.Client): Promise<Snapshot> {
  await reader.query(BEFORE);
  const rows: Record<string, readonly Row[]> = {};
  for (const [name, text] of Object.entries(CATALOGUE_SQL)) rows[name] = await rowsOf(reader, text);
  await reader.query(AFTER);
  return assemble(rows as CatalogueRows);
}

export async function catalogueFor(db: pg.Client, snapshot: Snapshot): Promise<Catalogue> {
  const [row] = await rowsOf(db, SEARCH_PATH_SQL);
  return catalogueOf(snapshot, readSearchPath(row ?? []));
}

const relationLabel = (schema: string, name: string): string =>
  schema === 'public' ? name : `${schema}.${name}`;

export const masked: Masked = ({ schema, name, columns }, attnum) =>
  MASKED.has(`${relationLabel(schema, name)}.${columns.find((column) => column.attnum === attnum)?.name}`);

export function originLabel({ relation, attnum }: Origin, catalogue: Catalogue): string {
  const found = catalogue.byOid(relation);
  const column = found?.columns.find((each) => each.attnum === attnum)?.name;
  return `${relationLabel(found?.schema ?? '', found?.name ?? '')}.${column}`;
}

/**
 * A trace in a line: of each result column its name, then `=` and the masked column that it is, or `~` and
 * those it depends on, then `?` if it can't be traced; `none`, `untraceable`; `!` at the end where something
 * would leak.
 */
export function summary(traced: Traced, catalogue: Catalogue): string {
  const end = traced.leaks.length > 0 ? ' !' : '';
  if (traced.outcome !== 'columns') return traced.outcome + end;
  const columns = traced.columns.map(({ name, origins, direct, untraceable }) => {
    const from = origins.map((origin) => originLabel(origin, catalogue)).sort();
    const how = from.length === 0 ? '' : `${direct === null ? '~' : '='}${from.join('+')}`;
    return `${name ?? ''}${how}${untraceable === null ? '' : '?'}`;
  });
  return columns.join(', ') + end;
}
