create table t (a int primary key, b text not null default f(1), c int references s.u (d), check (a > g(1)))
-- > create: ddl | reads s.u | writes t | columns a, b, c, d | calls f, g

create table t (a int, foreign key (a) references u (b), unique (a), exclude using gist (a with =) where (b > 1))
-- > create: ddl | reads u | writes t | columns a, b

create table t (like u including all) inherits (v, w)
-- > create: ddl | reads v, w, u | writes t

create table t partition of p for values from (1) to (2)
-- > create: ddl | writes t, p

create table t (a int generated always as (b * 2) stored, id int generated always as identity)
-- > create: ddl | writes t | columns a, b, id

create table t of s.mytype
-- > create: ddl | writes t

create temp table t (a int) on commit drop
-- > create: ddl | writes t | columns a

create unlogged table s.t (a int) partition by range (a, lower(b))
-- > create: ddl | writes s.t | columns a, b | calls lower

create foreign table t (a int) server s options (x 'y')
-- > create: ddl unknown | writes t | columns a | unknown what lies behind a foreign table

create view v as select a from t where b = 1
-- > create: read ddl | reads t | writes v, t | columns a, b

create or replace view s.v (x, y) as select a, b from t limit 3
-- > create: read ddl | reads t | writes s.v | columns a, b

create recursive view v (n) as select 1 union all select n + 1 from v, t
-- > create: read ddl | reads t | writes v | columns n

create view v as select query_to_xml('select 1', true, false, '')
-- > create: ddl unknown | writes v | calls query_to_xml | unknown SQL as text in query_to_xml

create index concurrently i on s.t using gin (a, (lower(b)) desc) include (c) where d > 1
-- > create: ddl | writes s.t | columns a, b, c, d | calls lower

create unique index on t (a) nulls not distinct
-- > create: ddl | writes t | columns a

create sequence s.q owned by t.a
-- > create: ddl | writes s.q, t

alter sequence q owned by s.t.a
-- > alter: ddl | writes q, s.t

alter sequence q restart
-- > alter: ddl | writes q

create schema s create table t (a int) create view v as select a from t grant select on t to public
-- > create: read ddl privilege | reads t | writes t, v | columns a

create schema s authorization bob
-- > create: ddl

create trigger g before update of a, b or delete on s.t for each row when (old.c is distinct from new.c) execute function x.f('y')
-- > create: ddl | writes s.t | columns a, b, c | calls x.f

create constraint trigger g after insert on t from u deferrable for each row execute procedure f()
-- > create: ddl | reads u | writes t | calls f

create event trigger e on ddl_command_end execute function f()
-- > create: ddl | calls f

create rule r as on insert to t do instead insert into u values (new.a)
-- > create: write ddl | writes t, u | columns *, a

create rule r as on delete to t do also (delete from u; update v set a = 1; notify n)
-- > create: write ddl | writes t, u, v | columns a | no where

create rule r as on select to t do instead select * from u
-- > create: read ddl | reads u | writes t | columns *

create policy p on t for select to bob using (a = current_user and exists (select 1 from u)) with check (b > 1)
-- > create: read ddl privilege | reads u | writes t | columns a, b

alter policy p on t using (true)
-- > alter: ddl privilege | writes t

create function f(a int default g(1)) returns int language sql as 'select 1'
-- > create: ddl | calls g

create function f() returns void language sql as $$ delete from t; insert into u select * from v where a = 1 $$
-- > create: read write ddl | reads v | writes t, u | columns *, a | no where

create function f() returns int language sql as 'select nonsense from'
-- > create: ddl unknown | unknown function f: syntax error at end of input

create function f(a int) returns int language sql return (select x from t where y = a)
-- > create: read ddl | reads t | columns x, y, a

create procedure p() language sql begin atomic insert into t values (1); delete from u; end
-- > create: write ddl | writes t, u | columns * | no where

create function f() returns trigger language plpgsql as $$ begin insert into log values (old.*); return new; end $$
-- > create: write ddl | writes log | columns *

create function f() returns void language plpgsql as $$ begin execute 'drop table t'; end $$
-- > create: ddl unknown | unknown dynamic SQL in function f

create function f() returns int language plpgsql as 'begin nonsense; end'
-- > create: ddl unknown | unknown PL/pgSQL: syntax error at or near "nonsense"

create function f() returns int language plpython3u as 'return 1'
-- > create: ddl unknown | unknown body of function f in language plpython3u

create function f(text) returns text language internal as 'pg_read_file'
-- > create: ddl unknown | unknown body of function f in language internal

create function f(int) returns int language c as '/tmp/x.so', 'f'
-- > create: ddl file unknown | unknown body of function f in language c

create function f() returns void language sql set role = bob as 'select 1'
-- > create: ddl privilege | role bob

create function s."F.g"(x s.t, out y int) language plpgsql security definer as $$ begin y := (select max(a) from t); end $$
-- > create: read ddl | reads t | columns y, a | calls max

create aggregate a (int) (sfunc = s.f, stype = int)
-- > create: ddl | calls s.f

create operator === (procedure = f, leftarg = int, rightarg = int)
-- > create: ddl | calls f

create cast (int as text) with function f(int)
-- > create: ddl | calls f

create type t as (a int, b text)
-- > create: ddl | columns a, b

create type t as enum ('a', 'b')
-- > create: ddl

create domain d as int check (value > f(1))
-- > create: ddl | columns value | calls f

create extension dblink
-- > create: ddl unknown | unknown the script of extension dblink

create server s foreign data wrapper w options (host 'x')
-- > create: ddl

create user mapping for bob server s options (password 'x')
-- > create: ddl privilege

create subscription s connection 'host=x' publication p
-- > create: ddl unknown | unknown rows that another server sends

create publication p for table t (a, b) where (c > 1), u, tables in schema s
-- > create: ddl unknown | reads t, u | columns a, b, c | unknown all relations of a schema or database

create statistics st on a, b, lower(c) from t
-- > create: ddl | reads t | columns a, b, c | calls lower

create database d
-- > create: ddl

create tablespace x location '/x'
-- > create: ddl

create text search configuration c (copy = english)
-- > create: ddl

create language l handler h inline i validator v
-- > create: ddl | calls h, i, v

alter table t add column a int default f(1), drop column b, alter column c type int using d::int
-- > alter: ddl | writes t | columns a, b, c, d | calls f

alter table t rename column a to b
-- > alter: ddl | writes t | columns a, b

alter table s.t rename to u
-- > alter: ddl | writes s.t

alter table only t alter a set default g(1), alter b drop not null, alter c set storage plain
-- > alter: ddl | writes t | columns a, b, c | calls g

alter table t add constraint k foreign key (a) references u (b)
-- > alter: ddl | reads u | writes t | columns b, a

alter table t attach partition p for values in (1)
-- > alter: ddl | writes t, p

alter table t detach partition s.p
-- > alter: ddl | writes t, s.p

alter table t inherit u
-- > alter: ddl | writes t, u

alter table t owner to bob
-- > alter: ddl privilege | writes t

alter table t enable row level security
-- > alter: ddl privilege | writes t

alter table t disable trigger all
-- > alter: ddl | writes t

alter table t set schema s2
-- > alter: ddl | writes t

alter view v owner to bob
-- > alter: ddl privilege | writes v

alter index i rename to j
-- > alter: ddl | writes i

alter function f(int) owner to bob
-- > alter: ddl privilege

alter function f(int) set role = bob
-- > alter: ddl privilege | role bob

alter schema s rename to s2
-- > alter: ddl unknown | unknown everything in a schema

alter type t add attribute a int
-- > alter: ddl | writes t | columns a

alter role bob superuser
-- > alter: ddl privilege

alter role bob set role = alice
-- > alter: privilege | role alice

alter role bob rename to alice
-- > alter: ddl privilege

alter user bob password 'x'
-- > alter: ddl privilege

alter database d set work_mem = '1GB'
-- > alter: ddl

alter system set shared_preload_libraries = 'x'
-- > alter: privilege program utility

alter default privileges in schema s grant select on tables to bob
-- > alter: privilege

alter publication p add table t
-- > alter: ddl | reads t

alter extension e add table t
-- > alter: ddl | writes t

alter trigger g on t rename to h
-- > alter: ddl | writes t

alter domain d add check (value > 1)
-- > alter: ddl | columns value

alter table all in tablespace a set tablespace b
-- > alter: ddl unknown | unknown everything in a tablespace

drop table t
-- > drop: ddl | writes t

drop table if exists s.t, u cascade
-- > drop: ddl unknown | writes s.t, u | unknown what depends on it, which goes too

drop view v
-- > drop: ddl | writes v

drop materialized view s.v
-- > drop: ddl | writes s.v

drop index concurrently i
-- > drop: ddl | writes i

drop sequence q
-- > drop: ddl | writes q

drop schema s cascade
-- > drop: ddl unknown | unknown what depends on it, which goes too

drop function f(int), g
-- > drop: ddl

drop trigger g on s.t
-- > drop: ddl | writes s.t

drop rule r on t
-- > drop: ddl | writes t

drop policy p on t
-- > drop: ddl privilege | writes t

drop role bob
-- > drop: ddl privilege

drop owned by bob cascade
-- > drop: ddl privilege unknown | unknown everything that a role owns

reassign owned by bob to alice
-- > reassign: ddl privilege unknown | unknown everything that a role owns

drop database d
-- > drop: ddl unknown | unknown everything in a database

drop type t
-- > drop: ddl

drop extension e
-- > drop: ddl

drop user mapping for bob server s
-- > drop: ddl privilege

import foreign schema r limit to (a, b) from server s into l
-- > import: ddl unknown | writes l.a, l.b | unknown what lies behind a foreign table

comment on table s.t is 'x'
-- > comment: ddl | writes s.t

comment on column t.a is 'x'
-- > comment: ddl | writes t | columns a

comment on function f(int) is 'x'
-- > comment: ddl

comment on trigger g on t is null
-- > comment: ddl | writes t

security label for p on column t.a is 'x'
-- > security: ddl privilege | writes t | columns a

grant select, insert (a, b) on t, s.u to bob with grant option
-- > grant: privilege | writes t, s.u | columns a, b

grant usage on sequence q to bob
-- > grant: privilege | writes q

grant all on all tables in schema s to bob
-- > grant: privilege unknown | unknown everything in a schema

grant execute on function f(int) to public
-- > grant: privilege

grant alice to bob
-- > grant: privilege

revoke select on t from bob
-- > revoke: privilege | writes t

revoke alice from bob
-- > revoke: privilege

create role bob login password 'x'
-- > create: ddl privilege

create user bob superuser
-- > create: ddl privilege

create group g
-- > create: ddl privilege

create foreign table t (a text) server files options (program 'id')
-- > create: ddl program unknown | writes t | columns a | unknown what lies behind a foreign table

create foreign table t (a text) server files options (filename '/etc/passwd')
-- > create: ddl file unknown | writes t | columns a | unknown what lies behind a foreign table

alter foreign table t options (add program 'id')
-- > alter: ddl program unknown | writes t | unknown what lies behind a foreign table

alter system set archive_command = 'id'
-- > alter: privilege program utility

alter system reset all
-- > alter: privilege utility

alter system set "Archive_Command" to 'id'
-- > alter: privilege program utility
