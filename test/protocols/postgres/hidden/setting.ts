/** A database with something that nobody may touch, a policy that says so, and how one sees whether it was. */
import { existsSync, rmSync } from 'node:fs';
import type { Facts } from '../../../../src/protocols/room.ts';
import type { LocalServer } from '../local-server.ts';

/** Made where a program of the server's machine runs. */
export const MARKER = '/tmp/hopline-hidden-marker';

export const SCHEMA = `
  create table precious (id int primary key, v text);
  insert into precious values (1, 'a'), (2, 'b');
  create table safe (id int primary key, v text);
  insert into safe values (1, 'x');
  create table parent (id int primary key);
  alter table precious add constraint kept foreign key (id) references parent (id) on delete cascade not valid;
  create schema other;
  create table other.precious (id int, v text);
  insert into other.precious values (7, 'o');
  create function untouched() returns int language sql immutable as 'select 1';
  create role boss superuser;
  grant boss to free;
  analyze;
`;

/** What is not to change: the rows, where the table is, what it is made of, whose it is. */
const STATE = `
  select 'rows', (select string_agg(id || v, ',' order by id) from public.precious),
    (select string_agg(id || v, ',') from other.precious);
  select 'columns', string_agg(attname || atttypid::regtype || attnotnull, ',' order by attrelid, attnum)
    from pg_attribute where attrelid in ('public.precious'::regclass, 'other.precious'::regclass) and attnum > 0;
  select 'class', oid::regclass, relowner::regrole, relacl, relrowsecurity, relreplident, relhasrules, relkind, relispartition,
    obj_description(oid) from pg_class where relname = 'precious' order by 2;
  select 'constraints', conname, conrelid::regclass from pg_constraint where 'precious'::regclass in (conrelid, confrelid)
    order by 2;
  select 'triggers', tgname, tgenabled from pg_trigger where tgrelid = 'precious'::regclass and not tgisinternal;
  select 'indexes', indexrelid::regclass from pg_index where indrelid = 'precious'::regclass order by 2;
  select 'inheritance', count(*) from pg_inherits;
  select 'policies', count(*) from pg_policy;
  select 'publications', count(*) from pg_publication;
  select 'statistics', count(*) from pg_statistic_ext;
  select 'settings', setconfig from pg_db_role_setting;
  select 'definitions', pg_get_functiondef('untouched'::regproc);`;

export function stateOf(server: LocalServer): string {
  try {
    return `${server.sql(STATE)}${existsSync(MARKER) ? 'a program has run' : ''}`;
  } catch (error) {
    return `gone: ${(error as Error).message}`;
  }
}

export function restore(server: LocalServer): void {
  rmSync(MARKER, { force: true });
  server.sql(
    `drop schema public, other cascade; create schema public; reset role; drop role boss; ${SCHEMA}`,
  );
}

/**
 * The policies: a forbid of the table by its name, of programs and files of the server's machine, of other roles, and of
 * what is not known.
 */
export function forbids({ tables, kinds, role, known }: Facts): string | null {
  if ((tables as string[]).includes('precious')) return 'precious is not yours';
  if (['program', 'file'].some((kind) => (kinds as string[]).includes(kind))) return 'not on that machine';
  if (role !== undefined && role !== 'none') return 'stay who you are';
  return known ? null : 'nobody can tell what this does';
}
